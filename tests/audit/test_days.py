"""A day that is over is signed, exported, streamed, archived; and verified by the command."""

import socket
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select, update

from authn.audit.chain import audit_progress
from authn.audit.days import audit_days, signed_days
from authn.audit.stream import cef_line, json_line, rows_to_stream
from authn.db.transaction import reading, writing
from authn.keys.audit_days import is_signed, sign_days, stream_new_rows
from authn.keys.audit_heads import DAY
from authn.keys.signing_keys import load_audit_keys
from authn.settings import Settings
from authn.web.site import Site
from tests.audit.test_chain import chained, happen
from tests.commands import run_command


def sign(site: Site) -> int:
    return sign_days(site.database, site.settings, site.secrets, site.clock())


def test_a_day_is_signed_once_it_is_over(three_days: Site) -> None:
    with reading(three_days.database) as connection:
        days = signed_days(connection)
        keys = load_audit_keys(connection, three_days.secrets)
    assert [(each.day.day, each.day.rows) for each in days] == [
        ("2026-03-02", 2),
        ("2026-03-03", 2),
    ]
    assert all(is_signed(keys, each) for each in days)
    assert sign(three_days) == 0


def test_its_head_is_in_a_file_that_is_never_written_again(three_days: Site) -> None:
    heads = three_days.settings.audit_heads
    names = sorted(path.name for path in heads.iterdir())
    assert names == ["2026-03-02.jws", "2026-03-03.jws"]
    before = (heads / names[0]).read_text()
    with writing(three_days.database) as connection:
        connection.execute(update(audit_days).values(exported_at=None, signed="another"))
    sign(three_days)
    assert (heads / names[0]).read_text() == before


def test_another_signature_or_another_text_is_none(three_days: Site) -> None:
    with reading(three_days.database) as connection:
        [first, second] = signed_days(connection)
        keys = load_audit_keys(connection, three_days.secrets)
    header, _, signature = second.signed.split(".")
    for forged in ("", "a.b.c", ".".join((header, first.signed.split(".")[1], signature))):
        with writing(three_days.database) as connection:
            statement = update(audit_days).where(audit_days.c.day == second.day.day)
            connection.execute(statement.values(signed=forged))
        with reading(three_days.database) as connection:
            assert not is_signed(keys, signed_days(connection)[1])
    assert DAY == "audit-day+jwt"


def streaming(site: Site, address: str, form: str = "json") -> Settings:
    return site.settings.model_copy(update={"audit_stream": address, "audit_stream_format": form})


def test_each_row_is_streamed_once_into_a_file(three_days: Site, tmp_path: Path) -> None:
    path = tmp_path / "watch" / "audit.jsonl"
    settings = streaming(three_days, f"file://{path}")
    assert stream_new_rows(three_days.database, settings) == 6
    assert stream_new_rows(three_days.database, settings) == 0
    happen(three_days)
    chained(three_days)
    assert stream_new_rows(three_days.database, settings) == 1
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert [line["sequence"] for line in lines] == [1, 2, 3, 4, 5, 6, 7]
    assert lines[0]["event"] == "session.signed-in"
    assert lines[0]["details"] == {"level": "device"}


@pytest.fixture
def syslog() -> Iterator[socket.socket]:
    """A syslog server (UDP) of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        yield server


def test_a_syslog_server_gets_cef(three_days: Site, syslog: socket.socket) -> None:
    port = syslog.getsockname()[1]
    settings = streaming(three_days, f"udp://127.0.0.1:{port}", "cef")
    assert stream_new_rows(three_days.database, settings) == 6
    message = syslog.recv(8192).decode()
    assert message.startswith("<110>1 ")
    assert "CEF:0|authn|authn|1|session.signed-in|session.signed-in|3|rt=" in message
    assert 'msg={"level":"device"}' in message


def test_over_tcp_each_message_is_framed(three_days: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert (
            stream_new_rows(three_days.database, streaming(three_days, f"tcp://127.0.0.1:{port}"))
            == 6
        )
        taken, _ = server.accept()
        with taken, taken.makefile("rb") as file:
            length = int(file.read(4).split(b" ")[0])
            assert length > 100


def test_what_nobody_took_is_streamed_later(three_days: Site, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(ConnectionError):
        stream_new_rows(three_days.database, streaming(three_days, f"tcp://127.0.0.1:{port}"))
    assert stream_new_rows(three_days.database, streaming(three_days, f"file://{tmp_path}/a")) == 6


def test_a_line_is_one_line_whatever_is_in_it(three_days: Site) -> None:
    with reading(three_days.database) as connection:
        row = rows_to_stream(connection)[0]
    values = {**row, "reference": "a|b=c\\d\ne", "event": "x|y\\z"}
    assert cef_line(values).count("\n") == 0  # type: ignore[arg-type]
    assert "cs1=a|b\\=c\\\\d\\ne" in cef_line(values)  # type: ignore[arg-type]
    assert "|x\\|y\\\\z|" in cef_line(values)  # type: ignore[arg-type]
    assert json_line(values).count("\n") == 0  # type: ignore[arg-type]


def command(site: Site, *arguments: str) -> tuple[int, str]:
    ran = run_command(site.settings, "audit", *arguments)
    return ran.returncode, " ".join((ran.stdout + ran.stderr).split())


def test_the_command_says_that_the_log_is_whole(three_days: Site) -> None:
    # Its clock is the machine's: by then all three days are over.
    code, words = command(three_days, "chain")
    assert (code, "signed 1 days" in words) == (0, True), words
    code, words = command(three_days, "verify")
    assert code == 0, words
    assert "6 rows checked" in words
    assert "The audit log is whole." in words
    assert "2026-03-04 2 rows" in command(three_days, "days")[1]
    # That it was verified is on record too.
    assert "Waiting to be chained: 1" in command(three_days, "status")[1]


def test_the_command_fails_where_it_is_not(three_days: Site) -> None:
    (three_days.settings.audit_heads / "2026-03-02.jws").write_text("x.y.z")
    (three_days.settings.audit_heads / "2026-03-03.jws").unlink()
    code, words = command(three_days, "verify")
    assert code != 0
    assert "WRONG: the head of 2026-03-02 is not the one that was exported" in words
    assert "WRONG: the exported head of 2026-03-03 is gone" in words


def test_without_a_stream_nothing_is_marked(three_days: Site) -> None:
    assert stream_new_rows(three_days.database, three_days.settings) == 0
    with reading(three_days.database) as connection:
        assert connection.execute(select(audit_progress.c.streamed)).scalar() == 0
