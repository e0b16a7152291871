"""What a create with a reference image of 5.9 MB takes. `python -m bench.verify`."""

import argparse
import asyncio

from bench.app_process import run_apps
from bench.figures import heading, note, ratio, report, row
from bench.outside import run_outside
from bench.requests import measure_pairs

_FLOOR = (
    "Floor: the bare create, with the form read by azure.functions and sent on by aiohttp. Beside "
    "it the app looks for what is no JPEG, hashes the image, and reads the form off the event loop."
)
_BYTES = 5_900_000


async def main(times: int, rounds: int, size: int) -> None:
    """Compare the app with its floor: CPU, and memory beside the request's own body."""
    note(_FLOOR)
    async with run_outside() as settings, run_apps("floor", "app", settings=settings) as apps:
        report(f"verify: {rounds} rounds of {times}, {size:,} bytes each")
        bare, ours = await measure_pairs(apps, f"verify={size}", times, rounds, 1)
        heading(f"{size:,} bytes", "floor", "app", "app, floor as 1")
        row(
            "CPU",
            *(f"{1000 * one.median_cpu:.0f} ms" for one in (bare, ours)),
            ratio(ours.median_cpu, bare.median_cpu),
        )
        peaks = [await app.trace(f"verify={size}") for app in apps]
        row(
            "peak beside the body, in images",
            *(ratio(peak, size) for peak in peaks),
            ratio(peaks[1], peaks[0]),
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--bytes", type=int, default=_BYTES)
    chosen = parser.parse_args()
    asyncio.run(main(chosen.times, chosen.rounds, chosen.bytes))
