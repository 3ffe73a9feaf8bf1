"""Functions that say what no agent says; they go with the source of `pylightnix.pods.hostile`."""

from __future__ import annotations

LYING = '''

def channel():
    """The descriptor of the channel, found by looking."""
    import stat

    for fd in range(3, 64):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                return fd
        except OSError:
            pass


def garbage():
    os.write(channel(), b"\\xff" * 100)
    time.sleep(20)


def impostor():
    os.write(channel(), b"\\x1a\\0\\0\\0\\x10id\\0\\x63\\0\\0\\0\\x02op\\0\\x05\\0\\0\\0done\\0\\0")
    time.sleep(20)


def half():
    os.write(channel(), b"\\xff\\0\\0\\0half")
    time.sleep(20)
'''
LIARS = {"garbage": ("WorkerDied",), "impostor": ("WorkerDied",), "half": ("PodTimeout",)}
