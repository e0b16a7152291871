"""FunctionsHost: joins the worker, the HTTP front and the listeners into one running host."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from local.functions_host.admin_api import AdminApi
from local.functions_host.app_settings import is_on
from local.functions_host.cors import Cors
from local.functions_host.function_table import Function
from local.functions_host.host_blobs import HostBlobs, name_host
from local.functions_host.host_json import HostOptions, read_host_options
from local.functions_host.http_front import HttpFront, HttpRules
from local.functions_host.http_server import HttpServer, listen
from local.functions_host.indexing import AppContext, build_functions, refuse_silent_errors
from local.functions_host.invocations import Grace, InvocationRules, Invocations
from local.functions_host.keys import HostKeys
from local.functions_host.listeners import Listeners
from local.functions_host.queue_storage import QueueStorage
from local.functions_host.time_limit import EndProcess
from local.functions_host.worker import Worker

_logger = logging.getLogger(__name__)

TIMER_LEASE = timedelta(seconds=60)
_GRACE = Grace()
# https://learn.microsoft.com/azure/azure-functions/functions-app-settings#functions_request_body_size_limit
_BODY_LIMIT = "104857600"


class FunctionsHost:
    """Runs the app of one directory; the app itself sees `os.environ`, which the caller sets."""

    def __init__(  # noqa: PLR0913 - each is a choice of its own, made by keyword
        self,
        *,
        app_directory: Path,
        settings: Mapping[str, str],
        port: int = 0,
        cors: Sequence[str] = (),
        keys: HostKeys | None = None,
        bind: str = "127.0.0.1",
        as_azure: bool = False,
        timer_lease: timedelta = TIMER_LEASE,
        end_process: EndProcess | None = None,
    ) -> None:
        """Take the app, its settings, and where to listen (port 0 is any free one).

        A queue or timer function that cannot be indexed is an error at the start; `as_azure` runs
        the rest without it, as the real host does. `timer_lease` is how long a killed host keeps
        its timers from another. `end_process` takes an exit code and is called when a function
        outlasts its timeout or the stop; without it the call is canceled, and the process lives.
        """
        self._app_directory = app_directory.resolve()
        self._settings = settings
        self._host_id = name_host(self._app_directory, settings)
        self._address = (bind, port)
        self._cors = Cors(cors)
        self._keys = keys or HostKeys()
        self._as_azure = as_azure
        self._timer_lease = timer_lease
        self._end_process = end_process
        self._exits = AsyncExitStack()
        self._url = ""

    @property
    def url(self) -> str:
        """Where the host listens, once it has started."""
        return self._url

    async def start(self) -> None:
        """Load the app and listen; raise HostStartError, with nothing left behind, if it cannot."""
        async with AsyncExitStack() as exits:
            await self._start(exits)
            self._exits = exits.pop_all()
        _logger.info("listening on %s", self._url)

    async def stop(self) -> None:
        """Take nothing more, let what runs finish for some seconds, close everything."""
        await self._exits.aclose()

    async def _start(self, exits: AsyncExitStack) -> None:
        """Register each part's end as it begins: they end in reverse order."""
        options = read_host_options(self._app_directory, self._settings)
        worker = await Worker.start(self._app_directory)
        exits.callback(worker.stop)
        functions = self._functions(worker, options)
        storage = QueueStorage()
        exits.push_async_callback(storage.close)
        blobs = HostBlobs(self._settings, self._host_id)
        exits.push_async_callback(blobs.close)
        invocations = Invocations(worker, self._invocation_rules(options))
        listeners = Listeners(
            functions,
            options=options.queues,
            storage=storage,
            blobs=blobs,
            timer_lease=self._timer_lease,
            invocations=invocations,
        )
        front = self._front(functions, options, listeners=listeners, invocations=invocations)
        runner = await self._open_runner(exits, front)
        exits.push_async_callback(_wind_down, listeners, invocations)
        # runner.cleanup() would close it too late, after the running invocations have ended.
        self._url = await exits.enter_async_context(listen(runner, self._address))
        listeners.start()

    def _functions(self, worker: Worker, options: HostOptions) -> tuple[Function, ...]:
        context = AppContext(
            settings=self._settings, route_prefix=options.route_prefix, now=datetime.now(UTC)
        )
        functions = build_functions(worker.functions, context)
        if not self._as_azure:
            refuse_silent_errors(functions)
        for function in functions:
            if function.error:
                _logger.error("function '%s' is in error: %s", function.name, function.error)
        return functions

    def _invocation_rules(self, options: HostOptions) -> InvocationRules:
        return InvocationRules(
            timeout=options.function_timeout,
            is_traced=bool(self._settings.get("APPLICATIONINSIGHTS_CONNECTION_STRING")),
            end_process=self._end_process,
        )

    def _front(
        self,
        functions: Sequence[Function],
        options: HostOptions,
        *,
        listeners: Listeners,
        invocations: Invocations,
    ) -> HttpFront:
        rules = HttpRules(
            cors=self._cors,
            keys=self._keys,
            body_limit=int(self._settings.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", _BODY_LIMIT)),
            is_home_page_disabled=is_on("AzureWebJobsDisableHomepage", self._settings),
            extra_headers=options.extra_headers,
        )
        admin = AdminApi(functions, self._keys, listeners.run_unscheduled, self._host_id)
        return HttpFront(functions, rules=rules, admin=admin, invocations=invocations)

    async def _open_runner(self, exits: AsyncExitStack, front: HttpFront) -> web.ServerRunner:
        runner = web.ServerRunner(HttpServer(front.handle), shutdown_timeout=1)
        await runner.setup()
        exits.push_async_callback(runner.cleanup)
        return runner


async def _wind_down(listeners: Listeners, invocations: Invocations) -> None:
    async with asyncio.TaskGroup() as ends:
        ends.create_task(listeners.stop(_GRACE.others))
        ends.create_task(invocations.drain(_GRACE))
    await listeners.cancel()
