-- Nothing here: the trigger sees all rows of an insert at once, and does not read them again. SQLite's V19 is about that.
SELECT 1;
