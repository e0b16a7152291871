"""The app; everything here ships. Imports point down; rooms of one group do not know each other.

api           HTTP in, HTTP out

composition   builds the app once per process; hands out the clock

app           the app: each part is joined, and loaded, when it is first asked for

connections   opens what is outside: Face, the vault, the table, the queue, Entra
rules         what the settings decide, as start, flow and walk want it

flow          the story of a session, without HTTP or Azure
face          everything of Azure AI Face, and what opens it
store         what is kept: tables, their rows and keys, and pictures
entra         who calls: access tokens, and the tenant's keys that prove them
events        what has happened, for whoever subscribes

session       values and rules: no I/O, no clock, no environment

settings      environment to one frozen Settings; names every problem at once
image_choices what a deployment may choose about pictures
address_rules what a setting may be that says where something is
name_rules    what a setting may be that names something
setting_rules what any setting may be, and what to say when it is not
ncrontab      whether a text says when a timer runs
late_loading  modules that are loaded when something of them is first used
single_flight what many want at once is done once
trace         the caller's trace, on to Face and through the queue
telemetry     which facts may be logged, and how
azure_errors  what Microsoft's clients raise, and what of it may be told
azure_http    the HTTP below Microsoft's clients of Storage
errors        everything that can go wrong, grouped by who has to act
secret        a string that never prints itself
"""
