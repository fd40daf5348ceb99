"""What files hold, seen by a process that loads them."""
