//! Two gateways on the same stores.

use super::*;

pub(crate) struct Fleet {
    pub(super) schema: Schema,
    _cable: Cable,
    pub(super) redis: RedisServer,
    pub(crate) one: TestGateway,
    pub(crate) other: TestGateway,
}

impl Fleet {
    /// Nothing, unless there are servers for tests.
    pub(super) async fn start(leases: bool) -> Option<Self> {
        Self::start_before(leases, Setup::new).await
    }

    /// The same with more settings.
    pub(crate) async fn start_before(leases: bool, bare: impl Fn() -> Setup) -> Option<Self> {
        let redis = RedisServer::start().await?;
        let schema = Schema::new().await?;
        let (cable, url) = schema.cable().await;
        let setup = || {
            bare()
                .env("DATABASE_URL", &url)
                .env("KEY_PEPPER", PEPPER)
                .env("REDIS_URL", redis.url())
                .env("REDIS_LEASES", leases.to_string())
        };
        let one = setup().start().await;
        let other = setup().start().await;
        Some(Self {
            schema,
            _cable: cable,
            redis,
            one,
            other,
        })
    }

    pub(super) fn both(&self) -> [&TestGateway; 2] {
        [&self.one, &self.other]
    }

    /// Waits until the second knows all that was changed on the first before.
    pub(super) async fn is_known(&self) {
        let latest = self.one.tenant(&Uuid::now_v7().to_string()).await;
        within(CHANGE_HOLDS_WITHIN, "a new key", async || {
            limits(&self.other, &latest).await.is_some()
        })
        .await;
    }

    pub(crate) async fn tenant_with(&self, name: &str, usd: &str) -> Tenant {
        let tenant = self.one.tenant_with(name, usd).await;
        self.is_known().await;
        tenant
    }

    pub(super) async fn tenant_at(&self, name: &str, rates: Value) -> Tenant {
        let tenant = self.one.tenant(name).await;
        let path = format!("/admin/tenant/{}/ratelimit", tenant.id);
        self.one.admin(Method::PUT, &path, rates).await;
        self.is_known().await;
        tenant
    }

    pub(crate) async fn end(self) {
        drop((self.one, self.other));
        self.schema.drop().await;
    }
}
