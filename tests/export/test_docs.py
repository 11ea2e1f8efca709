# SPDX-License-Identifier: Apache-2.0
"""What docs/export.md says."""

import re
from pathlib import Path

from edgernn.export import formats

TEXT = (Path(__file__).parents[2] / "docs" / "export.md").read_text()
CHECK = """
int main(void)
{
    watch_state_t state, restored;
    saved_t saved;
    memset(&state, 42, sizeof state);
    save(&state, &saved);
    restore(&restored, &saved);
    const int same = memcmp(&state, &restored, sizeof state) == 0;
    saved.hash[0] = '-';
    restore(&restored, &saved);
    watch_reset(&state);
    return !(same && memcmp(&state, &restored, sizeof state) == 0);
}
"""


def test_every_format_has_a_row_and_a_paragraph():
    assert set(re.findall(r"^\| `([\w-]+)` \| ", TEXT, re.M)) == set(formats())
    assert set(re.findall(r"^\*\*([\w-]+)\.\*\*", TEXT, re.M)) == set(formats())


def test_a_state_is_saved_and_restored(exported, classifier, run_tool, strict, tmp_path):
    (code,) = re.findall(r"^```c\n(.*?)^```", TEXT, re.M | re.S)
    (tmp_path / "save.c").write_text(code + CHECK)
    src = exported(classifier, "c", "watch") / "src"
    flags = ("-std=c99", *strict, f"-I{src}", "-o", tmp_path / "save")
    run_tool("gcc", *flags, tmp_path / "save.c", *src.glob("*.c"))
    run_tool(tmp_path / "save")
