"""What an emulated bucket holds and how it changes, without HTTP: below every handler."""
