"""DeskSeek without its window: the engine and everything around it.

The window, the command line and scripts all stand on this package, and nothing in it knows about Qt.
Rooms, from the ground up; each imports only what stands below it:

    core        errors, cancel, streams, settings, paths, network: what every room needs
    storage     SQLite, opened safely and migrated
    hardware    what this machine is and has
    models      what could run here, how much it needs, how it gets here
    engine      llama.cpp in this process: load, schedule, generate
    chat        conversations and how they are answered
    doctor      what is wrong with this machine, and the repair
    services    builds all of it, wires it, closes it
    commands    the command line, one file a command
"""

__version__ = "0.1.0"
