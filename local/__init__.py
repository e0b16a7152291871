"""Stand-ins for Azure on a laptop: the same app, the real SDKs, no cloud. Nothing here ships.

demo             the whole story, told on a terminal

stack            all of it joined, started, watched and stopped

functions_host   Microsoft's worker behind a host of ours; knows nothing of the app
face             a Face account: its HTTP, its sessions, the device, the control routes
events           an Event Grid topic: what came, and a webhook that gets it too
azure            what else the app needs: Storage, Key Vault, managed identity
openapi          the OpenAPI document, generated from the contract and the routes
web              the page: your server and a frontend to try, and what happens upstream

faults           failures on demand, as callers feel them
process          child processes and signals: nothing is left behind

ports            which part listens where
clock            the stack's clock: real time, plus what was skipped
json_file        a value in a file, replaced whole or not at all
azure_error      an error as all of Azure's services put it
"""
