-- On SQLite, sums of a batch are added up together from now on. Here triggers do so since V10: nothing is to be changed,
-- and both databases go on having the same versions.
SELECT 1;
