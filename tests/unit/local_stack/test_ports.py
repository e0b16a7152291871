import pytest

from local import ports
from local.ports import Ports, StackError


def test_no_two_stacks_are_given_the_same_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Ports.free()
    monkeypatch.setattr(ports, "_BASES", [given.base])

    with pytest.raises(StackError, match="no nine free ports"):
        Ports.free()
