"""From a fresh clone to a running DeskSeek, with nothing but Python's standard library.

    run.py           the one command; refuses an old Python in words that an old Python can say
    start            what the words after run.py mean; a second start goes straight through here
    project          where the project's own files lie, and the stamps that say which steps are done
    words            what is said to the person, on stderr only
    preparation      the steps of a set-up, in order, under a lock, each stamped when it is done
    exclusive        one set-up at a time, also when one was killed and its pip lives on
    packages         pip, with the user's own settings; why it failed
    accelerators     what could run a model here; gpu_drivers asks the drivers, in a child process
    wheels           which builds of llama-cpp-python suit this machine, from wheels.json
    engine           installs one of them and accepts it only when devices.py finds what was asked for
    linux            the shared libraries that Qt wants, fonts, and the package tool; libraries tries to load them
    shortcut         an entry to double-click; icons makes its picture
    locks            writes requirements.lock, tools.lock and ocr.lock
    checks           `run.py test`

What may be shown or raised here is `Phrase` and `BackendError` of `backends.core`, which need nothing
installed. Nothing here is imported by the product.
"""
