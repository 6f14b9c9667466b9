-- check: ref.book__is_the_account_of_every_row
-- severity: error
-- what: everything of the book is of one account, the one it states, and there is nothing of a book without a book
with
account as (
    select max(account_nav_usd) as account_nav_usd, count(*) as books
    from ref.book
),

named as (
    select 'mart.book_exposure' as table_name, account_nav_usd from mart.book_exposure
    union all
    select 'mart.book_layers', account_nav_usd from mart.book_layers
    union all
    select 'mart.book_orders', account_nav_usd from mart.book_orders
    union all
    select 'ref.book_positions', (select account_nav_usd from account) from ref.book_positions
)

select named.table_name, named.account_nav_usd, account.books
from named
cross join account
where account.books <> 1 or named.account_nav_usd is distinct from account.account_nav_usd
order by all
