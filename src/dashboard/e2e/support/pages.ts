/** Every page, and what stands above it. */
export const PAGES = [
    { path: '/', title: 'Budget health' },
    { path: '/usage-insights', title: 'Usage insights' },
    { path: '/usage-tracking', title: 'Usage ledger' },
    { path: '/sessions', title: 'Sessions' },
    { path: '/admin/tenants', title: 'Tenants' },
    { path: '/admin/keys', title: 'API keys' },
    { path: '/admin/budgets', title: 'Budgets' },
    { path: '/admin/tags', title: 'Tags' },
    { path: '/admin/users', title: 'Users' },
    { path: '/admin/audit', title: 'Audit log' },
    { path: '/models', title: 'Prices' },
    { path: '/policies', title: 'Policies' },
    { path: '/what-if', title: 'What if' },
    { path: '/alerts', title: 'Alerts' },
    { path: '/providers', title: 'Providers' },
    { path: '/settings', title: 'System status' },
];
