# SPDX-License-Identifier: Apache-2.0
"""Recordings in text files, as people have them: what they are is found out, and where it can't be, refused.

`textfile` opens a file that nobody vouches for, `form` tells its separator and header, `tables` reads its columns as
text; `layout` says which files there are, `found` the rows of each recording; `recordings` makes numbers of them, with
their labels and times.
"""
