"""Connections to strangers' hosts: where they may lead, and for how long."""
