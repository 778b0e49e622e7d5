"""What every benchmark needs: servers, what starts and loads them, facts of the machine."""
