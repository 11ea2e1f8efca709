# SPDX-License-Identifier: Apache-2.0
"""Columns of text -> numbers at even steps of time.

`column` is a column as it stands in the file, `clock` makes seconds of one of times, `dates` of one of dates, `rhythm`
says how its rows follow each other, `packets` how those that came in groups do, `repair` makes values of one of
numbers, `resample` brings values to another rate.
"""
