"""What a layer is worth to an account: break-evens, returns, growth, liquidity, cost (methodology, section 11).

Read in this order: `holdings` (what is held), `horizon` and `break_even`, `cash_flows`, `capital` and `required`,
`growth`, `liquidity`, `costs`; `table` puts them together. What is undefined says why (`measure`).
"""
