"""The command line behind `infra/dev`: a whole service on this machine, and jobs through it."""
