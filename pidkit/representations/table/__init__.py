"""Many layers against many layers, from arrays or files, resumable: `pid_table`.

`door` has the public function and `result` what it returns; `sources` reads the layers' names and files and pairs
them; `work` has the two kinds of tasks, reading a layer and solving a pair, whose results `store` keeps on disk as
`records` lay them out; `differences` compares pairs row by row, and `writing` makes tidy tables of it all.
"""
