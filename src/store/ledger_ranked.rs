//! Pages of rows by what they cost, or of those that cost so much: sums do not tell of either. Where few
//! rows can match, all of them are looked at; else rows are looked at in the order that is asked for until
//! the page is full. How many that are has a bound, and beyond it there is no page.

mod ranking;
mod statements;

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::domain::id::RequestId;
use crate::domain::money::Usd;
use crate::domain::window::Window;
use crate::store::Store;
use crate::store::driver::Transaction;
use crate::store::error::StoreError;
use crate::store::ledger_page::{LedgerEntry, Place, entry};
use crate::store::ledger_ranked::ranking::LEAST;
pub use crate::store::ledger_ranked::ranking::{Mark, REACH_MAX, Ranked, Ranking, Start};
use crate::store::ledger_ranked::statements::{
    BY_IDS, FEW_OF_COST, IN_COST_RANGE, are_spread, every_row, few, walk, walk_free,
};
use crate::store::order::{Order, Sort};
use crate::store::retention::stays_from;
use crate::store::sums::Level;
use crate::store::usage::{LedgerFilter, LedgerTotals, totals};
use crate::store::value::{Row, Value, row_params};

/// How many rows a page may make the store look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most rows of which all are looked at.
    pub few_rows_max: u32,
    /// The most rows that are looked at one after the other.
    pub walk_rows_max: u32,
    /// How many of them at first, and how many then at once.
    pub step_rows: (u32, u32),
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            few_rows_max: 50_000,
            walk_rows_max: 50_000,
            step_rows: (200, 2_000),
        }
    }
}

impl Store {
    /// A page of the rows that match in any order.
    pub async fn ranked_page(
        &self,
        filter: &LedgerFilter,
        ranking: Ranking,
        bounds: Bounds,
    ) -> Result<Ranked, StoreError> {
        if ranking.is_out_of_reach() {
            return Ok(Ranked::TooMany);
        }
        let mut read = self.driver.begin_lookup().await?;
        let mut filter = filter.clone();
        filter.window.start = stays_from(read.as_mut()).await?.max(filter.window.start);
        let mut search = Search {
            read: read.as_mut(),
            is_counted_by_sums: filter.is_counted(),
            filter,
            ranking,
            bounds,
        };
        let found = search.find().await?;
        read.commit().await?;
        Ok(found)
    }
}

/// A row that may be on the page.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    cost: Usd,
    place: Place,
    is_match: bool,
}

/// The rows of a page, and how many match.
struct Chosen {
    places: Vec<Place>,
    total: u64,
    is_total_exact: bool,
}

struct Search<'a> {
    read: &'a mut dyn Transaction,
    filter: LedgerFilter,
    ranking: Ranking,
    bounds: Bounds,
    /// Whether the sums count just those that match.
    is_counted_by_sums: bool,
}

impl Search<'_> {
    async fn find(&mut self) -> Result<Ranked, StoreError> {
        let known = totals(self.read, &self.filter).await?;
        if self.matches_all() && known.cost > Usd::ZERO {
            return self.every_row(known).await;
        }
        self.find_among(known).await
    }

    /// Among rows that may match or not.
    async fn find_among(&mut self, known: LedgerTotals) -> Result<Ranked, StoreError> {
        let are_few = known.rows <= u64::from(self.bounds.few_rows_max);
        let rows_max = self.walk_rows_max(known).await?;
        let chosen = if are_few && rows_max == 0 {
            Some(self.choose_of_few().await?)
        } else if self.ranking.sort == Sort::At && self.is_cost_rare().await? {
            let candidates = self.few(FEW_OF_COST).await?;
            Some(self.choose(&candidates))
        } else {
            match self.walk(known, rows_max).await? {
                None if are_few => Some(self.choose_of_few().await?),
                walked => walked,
            }
        };
        let Some(chosen) = chosen else {
            return Ok(Ranked::TooMany);
        };
        Ok(Ranked::Page {
            rows: self.entries(&chosen.places).await?,
            total: chosen.total,
            is_total_exact: chosen.is_total_exact,
        })
    }

    /// Whether every row of the time matches, and they are wanted by what they cost.
    fn matches_all(&self) -> bool {
        self.ranking.sort == Sort::Cost && self.filter.takes_every_row()
    }

    /// A page of all rows of the time: the database counts off those before it.
    async fn every_row(&mut self, known: LedgerTotals) -> Result<Ranked, StoreError> {
        let wanted = self.ranking.wanted();
        if wanted > u64::from(self.bounds.walk_rows_max) {
            return Ok(Ranked::TooMany);
        }
        let all = totals(self.read, &LedgerFilter::default()).await?.rows;
        // In an order by cost there are rows of other times between those of this one.
        let between = wanted.saturating_mul(all) / known.rows.max(1);
        let are_few = known.rows <= self.bounds.few_rows_max.into();
        let from = self.ranking.first();
        let mut params = self.params(self.filter.window);
        params.extend(row_params![
            from.cost,
            from.place.at,
            &from.place.request.as_bytes()[..],
            self.ranking.limit,
            self.ranking.skipped(),
        ]);
        let statement = every_row(self.ranking.order, are_few && between > known.rows);
        let rows = self.read.query(statement, &params).await?;
        let places = rows.iter().map(|row| candidate(row).map(|it| it.place));
        let places = places.collect::<Result<Vec<_>, _>>()?;
        Ok(Ranked::Page {
            rows: self.entries(&places).await?,
            total: known.rows,
            is_total_exact: true,
        })
    }

    /// Whether few rows of the time cost as much as is asked for.
    async fn is_cost_rare(&mut self) -> Result<bool, StoreError> {
        if self.filter.cost_min.is_none() && self.filter.cost_max.is_none() {
            return Ok(false);
        }
        let mut params = self.params(self.filter.window);
        params.push(Value::from(self.bounds.few_rows_max));
        let rows = self.read.query(IN_COST_RANGE, &params).await?;
        let row = rows.first().ok_or_else(|| StoreError::corrupt("found"))?;
        Ok(row.number::<u32>("found")? < self.bounds.few_rows_max)
    }

    /// The time and what rows may cost.
    fn params(&self, window: Window) -> Vec<Value> {
        let filter = &self.filter;
        row_params![
            window.start,
            window.end,
            filter.cost_min.unwrap_or(LEAST),
            filter.cost_max.unwrap_or(Usd::MAX),
        ]
    }

    /// What rows have to be beside.
    fn filter_params(&self) -> impl Iterator<Item = Value> {
        let filter = &self.filter;
        let whose = row_params![filter.key, filter.session.as_ref()];
        filter.params().into_iter().chain(whose)
    }

    /// All rows that match.
    async fn few(&mut self, statement: &'static str) -> Result<Vec<Candidate>, StoreError> {
        let window = self.filter.window;
        let mut params = self.params(window);
        params.extend(row_params![
            self.bounds.few_rows_max,
            0_u32,
            Level::Hour.floor(window.start),
            window.end,
        ]);
        params.extend(self.filter_params());
        let rows = self.read.query(statement, &params).await?;
        rows.iter().map(candidate).collect()
    }

    async fn choose_of_few(&mut self) -> Result<Chosen, StoreError> {
        let candidates = self.few(few(&self.filter)).await?;
        Ok(self.choose(&candidates))
    }

    /// The page out of all that match.
    fn choose(&self, candidates: &[Candidate]) -> Chosen {
        let total = u64::try_from(candidates.len()).unwrap_or(u64::MAX);
        let marks = candidates.iter();
        let mut marks: Vec<Mark> = marks
            .map(|row| self.ranking.mark(row.cost, row.place))
            .collect();
        let first = self.ranking.first();
        match self.ranking.order {
            Order::Asc => {
                marks.sort_unstable();
                marks.retain(|mark| *mark > first);
            }
            Order::Desc => {
                marks.sort_unstable_by_key(|mark| Reverse(*mark));
                marks.retain(|mark| *mark < first);
            }
        }
        let skipped = usize::try_from(self.ranking.skipped()).unwrap_or(usize::MAX);
        let limit = usize::try_from(self.ranking.limit).unwrap_or(usize::MAX);
        let page = marks.into_iter().skip(skipped).take(limit);
        Chosen {
            places: page.map(|mark| mark.place).collect(),
            total,
            is_total_exact: true,
        }
    }

    /// How many rows a walk may look at; none where it is likely to look at more than there are that match.
    async fn walk_rows_max(&mut self, known: LedgerTotals) -> Result<u32, StoreError> {
        let most = self.bounds.walk_rows_max;
        let few = u32::try_from(known.rows).unwrap_or(u32::MAX);
        let is_by_cost = self.ranking.sort == Sort::Cost && self.is_counted_by_sums;
        if few > self.bounds.few_rows_max {
            return Ok(most);
        }
        if is_by_cost && known.cost == Usd::ZERO {
            // What is for nothing lies together in an order by cost.
            return Ok(few);
        }
        if !is_by_cost || !are_spread(&self.filter) {
            return Ok(0);
        }
        let all = LedgerFilter {
            window: self.filter.window,
            ..LedgerFilter::default()
        };
        let all = totals(self.read, &all).await?.rows;
        let wanted = self.ranking.wanted();
        let is_shorter = wanted.saturating_mul(all) / known.rows.max(1) < known.rows;
        Ok(if is_shorter { few } else { 0 })
    }

    /// The page by looking at one row after the other; nothing if that would be too many.
    async fn walk(
        &mut self,
        known: LedgerTotals,
        rows_max: u32,
    ) -> Result<Option<Chosen>, StoreError> {
        if known.cost == Usd::ZERO {
            // What is for nothing is at one end of the order: others need not be looked at.
            let most = self.filter.cost_max.unwrap_or(Usd::MAX);
            self.filter.cost_max = Some(most.min(Usd::ZERO));
        }
        let wanted = self.ranking.wanted();
        let mut from = self.begin();
        let Ranking { sort, order, .. } = self.ranking;
        // Whoever goes on after what costs something has seen all that is for nothing.
        let is_free = sort == Sort::Cost && known.cost == Usd::ZERO && from.cost <= Usd::ZERO;
        let statement = if is_free {
            walk_free(order)
        } else {
            walk(&self.filter, sort, order)
        };
        let mut places = Vec::new();
        let (mut matching, mut looked_at, mut step) = (0_u64, 0_u32, self.bounds.step_rows.0);
        let is_all = loop {
            let rows = self.step(statement, from, step).await?;
            for row in rows.iter().filter(|row| row.is_match) {
                matching = matching.saturating_add(1);
                if matching > self.ranking.skipped() && matching <= wanted {
                    places.push(row.place);
                }
            }
            let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
            looked_at = looked_at.saturating_add(count);
            let Some(last) = rows.last().filter(|_last| count == step) else {
                break true;
            };
            // One more tells that there are more.
            if matching > wanted {
                break false;
            }
            if looked_at >= rows_max {
                if matching < wanted {
                    return Ok(None);
                }
                break false;
            }
            from = self.ranking.mark(last.cost, last.place);
            step = self.bounds.step_rows.1;
        };
        let is_known = self.is_counted_by_sums;
        Ok(Some(Chosen {
            places,
            total: if is_known { known.rows } else { matching },
            is_total_exact: is_known || (is_all && matches!(self.ranking.start, Start::Skip(_))),
        }))
    }

    /// Where a walk begins: not before what rows may cost.
    fn begin(&self) -> Mark {
        let Ranking { sort, order, .. } = self.ranking;
        let first = self.ranking.first();
        let bound = match order {
            Order::Asc => self.filter.cost_min.filter(|least| *least > first.cost),
            Order::Desc => self.filter.cost_max.filter(|most| *most < first.cost),
        };
        match bound.filter(|_cost| sort == Sort::Cost) {
            Some(cost) => Mark {
                cost,
                place: Place::before_all(order),
            },
            None => first,
        }
    }

    /// The time in which rows come after one.
    fn time_after(&self, from: Mark) -> Window {
        match self.ranking.sort {
            Sort::At => from.place.rest_of(self.filter.window, self.ranking.order),
            Sort::Cost => self.filter.window,
        }
    }

    async fn step(
        &mut self,
        statement: &'static str,
        from: Mark,
        rows_max: u32,
    ) -> Result<Vec<Candidate>, StoreError> {
        let mut params = self.params(self.time_after(from));
        params.extend(row_params![
            from.cost,
            from.place.at,
            &from.place.request.as_bytes()[..],
            rows_max,
        ]);
        params.extend(self.filter_params());
        let rows = self.read.query(statement, &params).await?;
        rows.iter().map(candidate).collect()
    }

    async fn entries(&mut self, places: &[Place]) -> Result<Vec<LedgerEntry>, StoreError> {
        let wanted = places.iter();
        let wanted = wanted.map(|place| row_params![&place.request.as_bytes()[..], place.at]);
        let rows = self.read.query_many(&BY_IDS, wanted.collect()).await?;
        let mut found = HashMap::with_capacity(rows.len());
        for row in &rows {
            let entry = entry(row)?;
            found.insert(entry.row.request, entry);
        }
        let missing = || StoreError::corrupt("a row of the ledger");
        let entries = places.iter();
        let entries = entries.map(|place| found.remove(&place.request).ok_or_else(missing));
        entries.collect()
    }
}

fn candidate(row: &Row) -> Result<Candidate, StoreError> {
    Ok(Candidate {
        cost: row.usd("cost")?,
        place: Place {
            at: row.instant("at")?,
            request: RequestId::from_bytes(row.bytes("request_id")?),
        },
        is_match: row.flag("is_match")?,
    })
}
