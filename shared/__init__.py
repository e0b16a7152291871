"""The app; everything here ships. A module imports only from its own group or from groups below it.

endpoints             per route: read the request, run the flow, shape the reply

http_boundary         one way in, one way out; the error-to-status table

composition           builds everything once per process; hands out the clock

face_client           sends face_protocol requests with aiohttp: time-outs, one key refresh
patience              how long to go on with a call that failed: back-off within a budget
pace                  a number of turns per second, and no more
face_keys             the Face key from Key Vault, cached, refreshed when it ages or is refused
face_tokens           Entra tokens for Face, for accounts whose keys are turned off
session_store         sessions, alarms, keys and counts in a table; refuses lost updates
claim_rows            idempotency keys and people's counts as table rows and back
session_rows          a session and its alarm as table rows and back
row_columns           a table row's columns, read as what they must be
storage_table         one Storage table: reads, transactions, what their failures mean
settings              environment to one frozen Settings; names every problem at once
telemetry             which facts may be logged, and how

sweep                 every alarm that is due, at a bounded pace

session_start         open a session: once, and no more than a person may have
liveness_flow         complete, settle, cancel, ring: a session's life after its start
face_deletion         one try to delete at Face
session_changes       write what follows; if somebody else wrote first, what follows from that

lifecycle             the steps of a session's life, and when its alarm rings then
next_step             what follows for a session from Face's word, or from Face's silence
idempotency           one session for one Idempotency-Key
ports                 what the story needs from outside, as Protocols
verdict               from Face's answer to an outcome with reasons
face_protocol         Face's REST dialect: build requests, decipher answers
lenient_json          takes from foreign JSON what is usable
face_terms            what Face tells us, in our own values
completion_report     what a frontend may say when its check is over
start_request         JSON or multipart to a StartRequest, or what is wrong with it
json_body             a JSON object, field by field, or what is wrong with it
reference_image       is this image one that Face will take
sessions              what a session is, its states, and when its alarm rings
secret                a string that never prints itself
errors                everything that can go wrong, grouped by who has to act
"""
