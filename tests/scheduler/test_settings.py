"""The environment is read once; what cannot be used is named with the way out, and secrets are never shown."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from scheduler.settings import Settings, SettingsError

KEY = b"k" * 32
WRITTEN = base64.urlsafe_b64encode(KEY).decode().rstrip("=")


def test_an_empty_environment_has_an_answer_for_everything() -> None:
    settings = Settings.read({"DATABASE_URL": "  ", "DOORSTEP_SECRET": ""})

    assert settings.home == Path(__file__).parents[2] / ".doorstep"
    assert (settings.database_url, settings.secret, settings.pepper, settings.retired_secrets) == (None, None, None, ())


def test_what_is_given_is_taken(tmp_path: Path) -> None:
    settings = Settings.read(
        {
            "DATABASE_URL": "postgres://a:hunter2@h/d",
            "DOORSTEP_HOME": str(tmp_path),
            "DOORSTEP_SECRET": WRITTEN,
            "DOORSTEP_PEPPER": base64.b64encode(KEY).decode(),
            "DOORSTEP_RETIRED_SECRETS": f"{WRITTEN}, {WRITTEN}",
        }
    )

    assert settings.home == tmp_path
    assert settings.database_url is not None
    assert settings.database_url.reveal() == "postgres://a:hunter2@h/d"
    assert settings.secret is not None
    assert settings.secret.reveal() == KEY
    assert [each.reveal() for each in settings.retired_secrets] == [KEY, KEY]
    assert "hunter2" not in repr(settings)
    assert "kkk" not in f"{settings!r} {settings.secret}"
    assert settings.with_given_secrets() == settings


@pytest.mark.parametrize("name", ["DOORSTEP_SECRET", "DOORSTEP_PEPPER", "DOORSTEP_RETIRED_SECRETS"])
@pytest.mark.parametrize(("value", "said"), [("c2hvcnQ", "5 bytes"), ("not base64 ✗", "base64")])
def test_a_bad_secret_is_named_and_not_repeated(name: str, value: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"{name}.*{said}.*token_urlsafe") as refused:
        Settings.read({name: value})

    assert value not in str(refused.value)


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    with pytest.raises(SettingsError, match="DOORSTEP_HOME"):
        Settings.read({"DOORSTEP_HOME": str(file)})


def test_without_the_demo_secrets_must_be_given() -> None:
    with pytest.raises(SettingsError, match="DOORSTEP_SECRET is not set"):
        Settings.read({}).with_given_secrets()


def test_own_secrets_are_made_once_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    settings = Settings.read({"DOORSTEP_HOME": str(tmp_path / "new" / "home")})

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: settings.with_own_secrets(), range(8)))

    assert len({(each.secret, each.pepper) for each in made}) == 1
    assert made[0].secret != made[0].pepper
    for name in ("secret", "pepper"):
        assert stat.S_IMODE((settings.home / name).stat().st_mode) == 0o600
    assert sorted(path.name for path in settings.home.iterdir()) == ["pepper", "secret"]


def test_a_damaged_secret_of_our_own_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("c2hvcnQ")

    with pytest.raises(SettingsError, match=f"{tmp_path}/secret"):
        Settings.read({"DOORSTEP_HOME": str(tmp_path)}).with_own_secrets()

    assert (tmp_path / "secret").read_text() == "c2hvcnQ"


def test_how_long_records_are_kept_is_set_in_days() -> None:
    usual, given = Settings.read({}), Settings.read({"DOORSTEP_KEEP_ANSWERS_DAYS": "7", "DOORSTEP_KEEP_RUNS_DAYS": "1"})

    assert (usual.keep_answers_days, usual.keep_runs_days) == (30, 90)
    assert (given.keep_answers_days, given.keep_runs_days) == (7, 1)


@pytest.mark.parametrize("days", ["0", "-1", "3651", "a week", "1.5"])
def test_what_is_no_number_of_days_is_named(days: str) -> None:
    with pytest.raises(SettingsError, match=r"DOORSTEP_KEEP_RUNS_DAYS is .* whole number of days, 1 to 3650"):
        Settings.read({"DOORSTEP_KEEP_RUNS_DAYS": days})


def test_mail_server_and_gateway_are_taken_and_their_secrets_not_shown() -> None:
    settings = Settings.read(
        {
            "DOORSTEP_SMTP_URL": "smtp://post%40b:hunter%2F2@mail.example.cn",
            "DOORSTEP_SMTP_FROM": "Doorstep <no-reply@example.cn>",
            "DOORSTEP_GATEWAY_URL": "http://10.0.0.7:9000/sms",
            "DOORSTEP_GATEWAY_TOKEN": "hunter2",
            "DOORSTEP_WEBHOOKS_TO_LOOPBACK": "1",
        }
    )

    assert settings.mail is not None
    assert (settings.mail.host, settings.mail.port, settings.mail.is_tls) == ("mail.example.cn", 587, False)
    assert settings.mail.user == "post@b"
    assert settings.mail.password is not None
    assert settings.mail.password.reveal() == "hunter/2"
    assert settings.gateway is not None
    assert settings.gateway.url == "http://10.0.0.7:9000/sms"
    assert settings.webhooks_to_loopback
    assert "hunter" not in repr(settings)
    assert Settings.read({}).mail is None


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"DOORSTEP_SMTP_URL": "mail:geheim@h", "DOORSTEP_SMTP_FROM": "a@b.cn"}, "DOORSTEP_SMTP_URL"),
        ({"DOORSTEP_SMTP_URL": "smtp://a:geheim@h:99999", "DOORSTEP_SMTP_FROM": "a@b.cn"}, "DOORSTEP_SMTP_URL"),
        ({"DOORSTEP_SMTP_URL": "smtp://a:geheim@h"}, "DOORSTEP_SMTP_FROM"),
        ({"DOORSTEP_GATEWAY_URL": "ftp://geheim"}, "DOORSTEP_GATEWAY_URL"),
        ({"DOORSTEP_GATEWAY_URL": "http://[geheim"}, "DOORSTEP_GATEWAY_URL"),
        ({"DOORSTEP_WEBHOOKS_TO_LOOPBACK": "yes"}, "DOORSTEP_WEBHOOKS_TO_LOOPBACK"),
    ],
)
def test_a_bad_way_out_is_named_and_not_repeated(given: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named) as refused:
        Settings.read(given)

    assert "geheim" not in str(refused.value)
