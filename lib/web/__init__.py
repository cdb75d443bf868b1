"""How we are spoken to: routes, who is asking, the native dialect, errors as documents."""
