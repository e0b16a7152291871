from local import functions_host
from tests.rules.source import imported, python_files


def test_the_host_knows_neither_the_app_nor_the_other_stand_ins() -> None:
    (folder,) = functions_host.__path__
    foreign = {
        name
        for path in python_files(folder)
        for name in imported(path)
        if name.split(".")[0] in {"shared", "function_app", "tests"}
        or (f"{name}.".startswith("local.") and not name.startswith("local.functions_host."))
    }

    assert foreign == set()
