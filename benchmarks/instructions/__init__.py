"""Instructions a request, counted by callgrind."""
