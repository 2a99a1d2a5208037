"""The grammar of /cm: what each text means, and the one sentence for each mistake."""

from typing import Any

import pytest
from pydantic import Field

from bot.chatops.commands.arguments import MissingArgument
from bot.chatops.commands.parser import is_changing, parse
from bot.chatops.commands.registry import COMMANDS
from bot.chatops.commands.stat import run_stat
from bot.common.errors import UserError
from bot.interactions.command import Args, Command

TWO_WORDS = ("task disable", {"task": "balance", "reason": "two words"}, "prod")


def understood(text: str, *clusters: str, default: str | None = None) -> tuple[str, dict[str, Any], str | None]:
    parsed = parse(text, COMMANDS, clusters=clusters or ("prod", "test"), default_cluster=default)
    given = parsed.args.model_dump(exclude_unset=True)
    return " ".join(parsed.command.path), given, parsed.cluster


def refusal(text: str, *clusters: str, default: str | None = None) -> str:
    with pytest.raises(UserError) as caught:
        understood(text, *clusters, default=default)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("", ("", {}, None)),
        ("   ", ("", {}, None)),
        ("help", ("help", {}, None)),
        ("help task enable", ("help", {"command": ("task", "enable")}, None)),
        ("stat prod", ("stat", {}, "prod")),
        ("  stat\u00a0 prod ", ("stat", {}, "prod")),
        ("STAT Prod", ("stat", {}, "prod")),
        ("stat cluster=test", ("stat", {}, "test")),
        ("disks prod status=Broken idc=z0", ("disks", {"status": "broken", "idc": "z0"}, "prod")),
        ("disk 17 prod", ("disk", {"id": 17}, "prod")),
        ("disk prod id=17", ("disk", {"id": 17}, "prod")),
        ("task enable balance prod", ("task enable", {"task": "balance"}, "prod")),
        ('task disable balance prod reason="two words"', TWO_WORDS),
        ("task disable balance prod reason=“two words”", TWO_WORDS),
        ("task disable balance prod reason='two words'", TWO_WORDS),
        ("task disable balance prod reason=\u2018two words\u2019", TWO_WORDS),
        ("task disable balance prod reason=„two words“", TWO_WORDS),
        (
            "task disable balance cluster=prod reason='it\u2019s'",
            ("task disable", {"task": "balance", "reason": "it\u2019s"}, "prod"),
        ),
        ("disks prod host=<http://10.0.0.7:8899|10.0.0.7:8899>", ("disks", {"host": "10.0.0.7:8899"}, "prod")),
        ("disks prod host=<http://10.0.0.7:8899>", ("disks", {"host": "http://10.0.0.7:8899"}, "prod")),
        ("disks prod idc=a&amp;b&lt;c&gt;", ("disks", {"idc": "a&b<c>"}, "prod")),
        (
            "task enable balance prod reason=<@U012AB|anna>",
            ("task enable", {"task": "balance", "reason": "U012AB"}, "prod"),
        ),
        (
            "task enable balance prod reason=<#C012AB|ops>",
            ("task enable", {"task": "balance", "reason": "C012AB"}, "prod"),
        ),
    ],
)
def test_typed_text_becomes_its_command(text: str, meaning: tuple[str, dict[str, Any], str | None]) -> None:
    assert understood(text) == meaning


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("member remove 3 prod dry\u2013run=yes", ("member remove", {"peer_id": "3", "dry_run": "yes"}, "prod")),
        ("member remove 3 prod dry\u2014run=yes", ("member remove", {"peer_id": "3", "dry_run": "yes"}, "prod")),
        ("member remove 3 prod --dry-run=yes", ("member remove", {"peer_id": "3", "dry_run": "yes"}, "prod")),
        ("member remove 3 prod \u2014dry-run=yes", ("member remove", {"peer_id": "3", "dry_run": "yes"}, "prod")),
        ("member remove 3 prod dry\u30fcrun=yes", ("member remove", {"peer_id": "3", "dry_run": "yes"}, "prod")),
        ("disks prod status\uff1dbroken", ("disks", {"status": "broken"}, "prod")),
        ("\uff44\uff49\uff53\uff4b\uff53\u3000prod", ("disks", {}, "prod")),
        ("disk \uff11\uff17 prod", ("disk", {"id": 17}, "prod")),
        ('disk "\uff11\uff17" prod', ("disk", {"id": 17}, "prod")),
        ("stat prod\u2011eu", ("stat", {}, "prod-eu")),
        ("stat prod\u2212eu", ("stat", {}, "prod-eu")),
        ("stat cluster=prod\u2010eu", ("stat", {}, "prod-eu")),
        ("op #12", ("op", {"id": 12}, None)),
        ("op \uff0312", ("op", {"id": 12}, None)),
        ("op \u211612", ("op", {"id": 12}, None)),
        ("op 12\u3002", ("op", {"id": 12}, None)),
        ("op 12.", ("op", {"id": 12}, None)),
        ("stat prod\uff1f", ("stat", {}, "prod")),
        ("silence \uff0a prod for=2h", ("silence", {"rule": "*", "for_": "2h"}, "prod")),
        ("silence peer_down prod subject=#3", ("silence", {"rule": "peer_down", "subject": "3"}, "prod")),
        ("s\u200btat\u2060 pr\u202aod\u202c", ("stat", {}, "prod")),
        ("stat\u2800prod\u3164", ("stat", {}, "prod")),
        ("disks prod host=10.0.0.7\uff1a8899", ("disks", {"host": "10.0.0.7:8899"}, "prod")),
    ],
)
def test_input_of_other_keyboards_is_understood(text: str, meaning: tuple[str, dict[str, Any], str | None]) -> None:
    assert understood(text, "prod", "prod-eu") == meaning


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("\uff02\u7ef4\u62a4\uff02", "\u7ef4\u62a4"),
        ("\u300c\u7dad\u6301\u3001\uff11\u3002\u300d", "\u7dad\u6301\u3001\uff11\u3002"),
        ("\u00ab\u00a0\u00e9t\u00e9 \u2014 17\u00a0\u00bb", "\u00a0\u00e9t\u00e9 \u2014 17\u00a0"),
        ("\u201eaus \u2013 an\u201c", "aus \u2013 an"),
        ("\u201cdry\u2013run, \uff11 \u6b21\u201d\u3002", "dry\u2013run, \uff11 \u6b21"),
        ('"\U0001f469\u200d\U0001f692 \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"',) * 2,
        ("\u7ef4\u62a4\u2014\u5b8c\u6210\u3002",) * 2,
        ('"#12."', "#12."),
    ],
)
def test_a_reason_is_kept_as_it_was_typed(typed: str, kept: str) -> None:
    kept = kept.strip('"') if typed == kept else kept
    assert understood(f"task disable balance prod reason={typed}") == (
        "task disable",
        {"task": "balance", "reason": kept},
        "prod",
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("stat \u0440rod", '"\u0440" (U+0440 CYRILLIC SMALL LETTER ER)'),
        ("op \u0661\u0662", '"\u0661" (U+0661 ARABIC-INDIC DIGIT ONE)'),
        ("disks prod status=br\u00f6ken", '"\u00f6" (U+00F6 LATIN SMALL LETTER O WITH DIAERESIS)'),
        ("\u7b49 prod", "(U+7B49 CJK UNIFIED IDEOGRAPH-7B49)"),
        ('task disable balance prod reason="a\u202eb"', "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("task disable balance prod reason=a\u2066b", "U+2066 LEFT-TO-RIGHT ISOLATE"),
    ],
)
def test_a_character_that_no_command_has_is_named(text: str, named: str) -> None:
    assert named in refusal(text)


def test_cluster_is_named_or_default_or_the_only_one() -> None:
    assert understood("stat", default="test")[2] == "test"
    assert understood("stat prod", default="test")[2] == "prod"
    assert understood("stat", "only")[2] == "only"
    assert refusal("stat") == "Which cluster? Write /cm stat … <cluster>. Configured: prod and test."


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("disks status=broken prod", ("disks", {"status": "broken"}, "prod")),
        ("disks status=broken Prod limit=9", ("disks", {"status": "broken", "limit": 9}, "prod")),
        ("safe-to-stop h for=2h prod", ("safe-to-stop", {"host": "h", "for_": "2h"}, "prod")),
        ('disk broken 7 reason="smart errors" prod', ("disk broken", {"id": 7, "reason": "smart errors"}, "prod")),
        ('disk offline 7 8 reason="old" test', ("disk offline", {"ids": ("7", "8"), "reason": "old"}, "test")),
        ("disk offline prod 7 8", ("disk offline", {"ids": ("7", "8")}, "prod")),
        ("disk prod 17", ("disk", {"id": 17}, "prod")),
        ("trend test 7d", ("trend", {"window": "7d"}, "test")),
        ("summary since=7d prod", ("summary", {"cluster": "prod", "since": "7d"}, None)),
        ("audit since=7d prod", ("audit", {"cluster": "prod", "since": "7d"}, None)),
        ("ops prod", ("ops", {"cluster": "prod"}, None)),
        ("ops state=recent prod", ("ops", {"cluster": "prod", "state": "recent"}, None)),
    ],
)
def test_a_cluster_may_stand_anywhere_behind_the_command(
    text: str, meaning: tuple[str, dict[str, Any], str | None]
) -> None:
    assert understood(text) == meaning


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("disks prod status=broken test", "/cm disks takes one cluster, and prod and test are 2"),
        ("disks status=broken test cluster=prod", "/cm disks takes one cluster, and test and prod are 2"),
        ("disks prod status=broken prod", "prod is named more than once: name it once."),
        ("ops prod state=recent test", "/cm ops takes one cluster, and prod and test are 2"),
        ("disks status=broken prodd", '"prodd" stands behind status=: put words before it'),
        (
            "disk broken 7 reason=upgrade prod",
            (
                '"prod" stands behind reason=: quote a value of several words, as in /cm disk broken 7 '
                'reason="upgrade prod".'
            ),
        ),
        (
            "disk broken 7 reason=smart errors prod dry-run=yes",
            (
                '"errors" stands behind reason=: quote a value of several words, as in /cm disk broken 7 prod '
                'reason="smart errors" dry-run=yes.'
            ),
        ),
        (
            "safe-to-stop for=2h 10.0.0.7",
            (
                '"10.0.0.7" stands behind for=: put words before it, as in /cm safe-to-stop 10.0.0.7 for=2h; '
                'or, if it belongs to the value, quotes around the whole: for="…".'
            ),
        ),
        ("disk offlin 3 prod", 'There is no command "disk offlin". Did you mean /cm disk offline 3 prod?'),
        ("disk offlin", 'There is no command "disk offlin". Did you mean /cm disk offline?'),
        ("disk 3 broken", 'There is no command "disk broken". Did you mean /cm disk broken 3?'),
        ("op 12 cancle", 'There is no command "op cancle". Did you mean /cm op cancel 12?'),
        ("ops retri", 'There is no command "ops retri". Did you mean /cm ops retry?'),
        ("disks --statu", '/cm disks has no option "--statu". Did you mean status=?'),
        ("disks sort=fre", "(did you mean free?)"),
        ("balance by=hots", "(did you mean host?)"),
        ("ops state=opne", "(did you mean open?)"),
        ("op settle 3 nt-done reason=abc", "(did you mean not-done?)"),
    ],
)
def test_a_misplaced_or_mistyped_word_gets_the_right_form(text: str, sentence: str) -> None:
    assert sentence in refusal(text, default="prod")


HOSTILE = ("7", "8", "offline", "status", "disk", "reason", "prod")


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("disk 7", ("disk", {"id": 7}, "prod")),
        ("disk 7 8", ("disk", {"id": 7}, "8")),
        ("disk offline 9 offline", ("disk offline", {"ids": ("9",)}, "offline")),
        ("disk offline 9 disk status=x", None),
        ("disks status=broken status", ("disks", {"status": "broken"}, "status")),
        ("disk offline 9 cluster=8", ("disk offline", {"ids": ("9",)}, "8")),
        ("disk offline 7 8 cluster=prod", ("disk offline", {"ids": ("7", "8")}, "prod")),
        ('disk offline 7 8 reason="x" offline', ("disk offline", {"ids": ("7", "8"), "reason": "x"}, "offline")),
        ("disk readonly 7 7", ("disk readonly", {"id": 7}, "7")),
    ],
)
def test_a_cluster_named_like_a_word_of_a_command_is_no_trap(
    text: str, meaning: tuple[str, dict[str, Any], str | None] | None
) -> None:
    if meaning is None:
        assert refusal(text, *HOSTILE, default="prod")
    else:
        assert understood(text, *HOSTILE, default="prod") == meaning


def test_a_number_that_may_be_a_disk_or_a_cluster_is_refused() -> None:
    assert refusal("disk offline 7 8", *HOSTILE, default="prod") == (
        '"8" may be a cluster or one of ids: write the cluster as cluster=…, as in cluster=8.'
    )


def test_surplus_argument_is_never_the_default_cluster() -> None:
    sentence = refusal("stat prodd", default="prod")
    assert sentence == (
        '"prodd" is no argument of /cm stat and no configured cluster. Did you mean prod? Configured: prod and test.'
    )
    assert '"prodd"' in refusal("task enable balance prodd", default="prod")
    assert refusal("stat prod test") == (
        "/cm stat takes one cluster, and prod and test are 2: "
        "write one command for each, as in /cm stat prod or /cm stat test."
    )
    assert refusal("stat prod cluster=test") == refusal("stat prod test")
    assert refusal("stat prod prod") == "/cm stat takes one cluster, and prod is named more than once: name it once."


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("task enable balance --dry-run", '"--dry-run" needs a value: write dry-run=yes.'),
        ("task enable balance prod --dry-run", '"--dry-run" needs a value: write dry-run=yes.'),
        ("task enable --force", '"--force" needs a value: write force=yes.'),
        ("task enable balance dry-run", '"dry-run" needs a value: write dry-run=yes.'),
        ("member remove 3 --dry-run no", '"--dry-run" needs a value: write dry-run=no.'),
        ("member remove 3 --reason disk", '"--reason" needs a value: write reason=….'),
        ("member add 4 a:1 --as learner", '"--as" needs a value: write as=learner.'),
        ("members --json", '/cm members has no option "--json". It takes none.'),
        ("unack 3 -f", '/cm unack has no option "-f". It takes none.'),
        ("ack 3 -f", 'take cannot be "-f"'),
        ("ack 3 2h", 'take cannot be "2h"'),
        ("member replace 3 4 10.0.0.4:10110 10.0.0.4:9998", '"10.0.0.4:9998" needs its key: write node=10.0.0.4:9998.'),
        ("member replace 3 4 a:1 b:2 prod", '"b:2" needs its key: write node=b:2.'),
        ("member replace 3 4 a:1 prod test", "prod and test are 2: write one command for each"),
        ("member remove 3 4", "no configured cluster. Configured: prod and test. Write /cm member remove <peer_id>"),
        ("silence disk_broken 2h", '"2h" needs its key: write for=2h.'),
        ("silence disk_broken prod 2h", '"2h" needs its key: write for=2h.'),
        ("silence disk_broken '2h 30m'", 'write for="2h 30m".'),
        ("audit 7d", '"7d" needs its key: write since=7d.'),
        ("disks broken", '"broken" needs its key: write status=broken.'),
        ("ops open", '"open" needs its key: write state=open.'),
    ],
)
def test_surplus_argument_is_refused_with_the_right_form(text: str, words: str) -> None:
    assert words in refusal(text, default="prod")


def test_long_surplus_word_is_not_quoted() -> None:
    assert len(refusal(f"member replace 3 4 a:1 {'b' * 900}:2", default="prod")) < 400


def test_surplus_word_without_cluster_scope_is_refused() -> None:
    assert refusal("whoami prod") == '/cm whoami does not take "prod". Write /cm whoami'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("statt", 'There is no command "statt". Did you mean /cm stat? /cm help lists all.'),
        (
            "task enabel balance",
            '/cm task does not go on with "enabel": it takes enable or disable. Did you mean /cm task enable?',
        ),
        ("tsk enable x", 'There is no command "tsk". Did you mean /cm task enable? /cm help lists all.'),
        ("task", "/cm task is not complete: it takes enable or disable."),
        ("prod", '"prod" is a cluster, not a command: write, for instance, /cm stat prod.'),
        ("statsu", 'There is no command "statsu". Did you mean /cm stat? /cm help lists all.'),
        ("remove member 3", 'There is no command "remove". Did you mean /cm member remove? /cm help lists all.'),
        ("disable balance", 'There is no command "disable". Did you mean /cm task disable? /cm help lists all.'),
        ("mute peer_down", 'There is no command "mute". Did you mean /cm silence? /cm help lists all.'),
        ("peers", 'There is no command "peers". Did you mean /cm members? /cm help lists all.'),
        (
            "stat nope",
            (
                '"nope" is no argument of /cm stat and no configured cluster. Configured: prod and test. '
                "Write, for instance, /cm stat prod."
            ),
        ),
        ("stat cluster=prd", 'There is no cluster "prd". Did you mean prod? Configured: prod and test.'),
        (
            "task enable prod",
            (
                "/cm task enable needs task (a background task, as /cm tasks lists them): "
                "write /cm task enable <task> [cluster] [reason=…] [dry-run=yes|no] [force=yes|no] "
                "[dialect=v1|v3] [for=…]"
            ),
        ),
        (
            "disks prod statu=broken",
            (
                '/cm disks has no argument "statu". Did you mean status=? '
                "It takes status=, idc=, host=, sort=, limit= and cluster=."
            ),
        ),
        ("disks prod status=broken status=normal", "status is given twice: give it once."),
        ("stat cluster=prod cluster=test", "cluster is given twice: give it once."),
        ("disk 17 prod id=18", "id is given twice: give it once."),
        ("disks prod status=", "status= has no value: write status=value, without a space behind the =."),
        (
            "disks prod status = broken",
            (
                "Write key=value without spaces around the =, as in: "
                "/cm disks [cluster] [status=normal|readonly|broken|repairing|repaired|dropping|dropped|expired|"
                "unknown] [idc=…] [host=…] [sort=used|free|id|host] [limit=…]"
            ),
        ),
        (
            "task enable balance prod reason=two words",
            (
                '"words" stands behind reason=: quote a value of several words, as in '
                '/cm task enable balance prod reason="two words".'
            ),
        ),
        (
            "disks prod status=brokn",
            (
                'status cannot be "brokn": it must be one of normal, readonly, broken, repairing, repaired, '
                "dropping, dropped, expired, unknown (did you mean broken?)."
            ),
        ),
        ("disks prod limit=lots", 'limit cannot be "lots": it must be a whole number.'),
        ("disks prod limit=91", 'limit cannot be "91": it must be at most 90.'),
        ("disks prod limit=1.5", 'limit cannot be "1.5": it must be a whole number.'),
        ("disk 0 prod", 'id cannot be "0": it must be at least 1.'),
        ('disks prod idc=""', "idc cannot be empty: it must be a text."),
        ("disk <!channel> prod", 'id cannot be "channel": it must be a whole number.'),
        ('stat "prod', 'A quote is opened before "prod" and never closed: close it, or leave it out.'),
        (
            'disk offline 10 reason="',
            'A quote is opened behind "disk offline 10 reason=" and never closed: close it, or leave it out.',
        ),
        ("stat \x07", "This command holds a control character (U+0007): type it again without it."),
        ("a=b", '/cm has no argument "a". It takes none.'),
    ],
)
def test_each_mistake_gets_one_clear_sentence(text: str, sentence: str) -> None:
    assert refusal(text) == sentence


@pytest.mark.parametrize("text", ["disks prod idc={}", "{}", 'task enable balance prod reason="{}"', "{}=x"])
def test_a_huge_argument_is_refused_without_being_repeated(text: str) -> None:
    sentence = refusal(text.format("x" * 10_240))
    assert "characters long" in sentence
    assert len(sentence) < 200


def test_a_long_argument_within_the_limit_is_quoted_back_bounded() -> None:
    sentence = refusal("disks prod limit=" + "9" * 2000)
    assert "(2,000 characters)" in sentence
    assert len(sentence) < 200


def test_zones_and_reasons_have_separate_limits() -> None:
    assert refusal("task enable balance prod reason=" + "x" * 301).endswith("it must be at most 300 characters.")


@pytest.mark.parametrize(
    "text",
    [
        "task enable balance",
        "TASK Disable x y z",
        "task\tenable balance",
        "task enable a reason=b",
        'disk offline 7 reason="x" prod',
        "disk offline 7 reason=x y",
    ],
)
def test_a_change_is_known_before_it_is_understood(text: str) -> None:
    assert is_changing(text)


@pytest.mark.parametrize("text", ["", "tasks", "stat", "task", "help task enable", 'task enable "', "x" * 20_000])
def test_change_without_effect_is_recognised(text: str) -> None:
    assert not is_changing(text)


class _Many(Args):
    words = ("first", "others")
    rest = "others"
    first: str
    others: tuple[str, ...] = Field((), max_length=2, description="more")
    must: int


def test_a_command_with_a_rest_and_a_required_pair() -> None:
    commands = (Command(("x",), "s", _Many, run_stat),)
    parsed = parse("x a b c must=1", commands, clusters=("prod",), default_cluster=None)
    assert parsed.args == _Many(first="a", others=("b", "c"), must=1)
    with pytest.raises(UserError, match=r"^/cm x needs must: write /cm x <first> \[others…\] \[cluster\] must=…$"):
        parse("x a", commands, clusters=("prod",), default_cluster=None)
    with pytest.raises(UserError, match=r'^others cannot be "b c d": it must be at most 2 words\.$'):
        parse("x a b c d must=1", commands, clusters=("prod",), default_cluster=None)


def test_parse_without_clusters_says_so() -> None:
    with pytest.raises(UserError, match=r"No cluster is configured\.$"):
        parse("stat", COMMANDS, clusters=(), default_cluster=None)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("task disable balance", True),
        ("task disable balance prod", True),
        ("task disable prod", True),
        ("ack 3", True),
        ("task disable", False),
        ("task disable cluster=prod reason=x", True),
        ("member add 4", False),
        ("ack", False),
        ("stat prod", False),
        ("do", False),
    ],
)
def test_a_change_is_stored_unless_it_only_opens_its_form(text: str, stored: bool) -> None:
    assert is_changing(text) is stored


def test_missing_argument_says_what_was_given() -> None:
    with pytest.raises(MissingArgument) as caught:
        parse("member add 4 test as=normal", COMMANDS, clusters=("prod", "test"), default_cluster="prod")
    assert (caught.value.argument, caught.value.cluster) == ("host", "test")
    assert caught.value.given == {"peer_id": "4", "as": "normal"}
    with pytest.raises(MissingArgument) as caught:
        parse("task disable balance", COMMANDS, clusters=("prod", "test"), default_cluster=None)
    assert (caught.value.argument, caught.value.cluster, caught.value.given) == ("cluster", "", {"task": "balance"})
