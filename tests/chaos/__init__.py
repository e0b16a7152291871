"""Chaos: many frontends, broken neighbors and hosts that die, and at the end nothing is lost.

plan            what will happen, from a seed
scripts         what one frontend and its device will do, from a seed
troubles        what will break and when, from a seed
host            the Functions hosts: processes that can be killed, or one that runs already
skew            how far the hosts' clocks are apart
storage         Storage, when it is silent, and when it goes away and comes back
versions        rows as an earlier and a later version of the app would leave them
system          the stack, the hosts, the table and the clock, for those who act on it
frontends       act the scripts
fault_injection makes the troubles happen
history         what was played, asked and told
watcher         what the table held, from time to time
expected        the ending that a session must have, from what was played
findings        what was found broken
cases           a session with all that was done to it
answers         what must hold of what frontends were told
creates         what must hold of creates and their keys
persons         what must hold of persons, their limits and locks
pictures        what must hold of the pictures that are kept
endings         what must hold of the events that tell of endings
orphans         what must hold of Face's sessions that no record names
afterwards      new checks once the faults are over, and what they cost
invariants      what must hold of every session in the end
tables          what must hold of the table's rows
app_log         what the app's own lines must say
host_log        what a host of ours may have logged besides
report          progress and summary, for people
run             the run from start to end
"""
