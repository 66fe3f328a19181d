//! Installations on each database, for what depends on its transactions.

use std::sync::Arc;

use budgetguard::admin::AdminOptions;
use budgetguard::store::driver::Driver;
use budgetguard::store::postgres::Postgres;

use crate::installation::Installation;

const CONNECTIONS_MAX: usize = 4;

/// Makes a test of each function, once for each database.
macro_rules! on_both_databases {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::databases::Place::File).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $test() {
                let Some(schema) = crate::schema::Schema::new().await else {
                    return;
                };
                super::$test(crate::databases::Place::Schema(schema.url())).await;
                schema.drop().await;
            })*
        }
    };
}

/// Where installations of a test are.
#[derive(Clone)]
pub(crate) enum Place {
    File,
    /// All of them in one: an installation begins with an empty schema.
    Schema(String),
}

impl Place {
    pub(crate) async fn installation(&self, options: AdminOptions) -> Installation {
        match self {
            Self::File => Installation::with(options).await,
            Self::Schema(url) => {
                let driver = Arc::new(Postgres::open(url, CONNECTIONS_MAX).unwrap());
                driver.reset().await.unwrap();
                Installation::on(driver, options).await
            }
        }
    }
}
