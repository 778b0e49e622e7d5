"""Twenty million mixed requests to one worker."""
