"""The house: `ls` is the diagram; arrows run downhill: cli, wiring, web, flows, adapters, core."""
