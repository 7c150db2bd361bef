"""The outer room: the command line. It draws, reads and writes; what it shows is computed in `engine`."""
