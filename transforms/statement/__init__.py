"""What people see of positions and ledger: one document, which the commands, the JSON file and the page print.

`facts` is what was read, `positions` and `ledger` build the two halves, `costs` sets cost and credit beside budget and
claim, `words`, `rows` and `valuation` say them.
"""
