"""A pseudo terminal at a path: what its user writes comes to stdout, stdin goes to its user. Ends with stdin."""
import os
import select
import sys
import tty

path = sys.argv[1]
master, slave = os.openpty()
# Its own end of the slave stays open, so that the master lives when the user closes his.
tty.setraw(slave)
os.chmod(os.ttyname(slave), 0o666)
os.symlink(os.ttyname(slave), path)
os.write(1, b"!")
try:
    while True:
        ready, _, _ = select.select([0, master], [], [])
        if 0 in ready:
            octets = os.read(0, 4096)
            if not octets:
                break
            while octets:
                octets = octets[os.write(master, octets):]
        if master in ready:
            os.write(1, os.read(master, 4096))
finally:
    os.unlink(path)
