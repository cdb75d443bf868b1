"""What we do: take a request in (submit), carry every pending job forward (tick)."""
