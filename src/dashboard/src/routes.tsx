import AccountBalanceWallet from '@mui/icons-material/AccountBalanceWallet';
import Business from '@mui/icons-material/Business';
import Forum from '@mui/icons-material/Forum';
import Group from '@mui/icons-material/Group';
import History from '@mui/icons-material/History';
import Hub from '@mui/icons-material/Hub';
import Insights from '@mui/icons-material/Insights';
import NotificationsActive from '@mui/icons-material/NotificationsActive';
import Policy from '@mui/icons-material/Policy';
import PriceChange from '@mui/icons-material/PriceChange';
import QueryStats from '@mui/icons-material/QueryStats';
import ReceiptLong from '@mui/icons-material/ReceiptLong';
import Savings from '@mui/icons-material/Savings';
import Sell from '@mui/icons-material/Sell';
import Settings from '@mui/icons-material/Settings';
import VpnKey from '@mui/icons-material/VpnKey';
import { lazy, type ComponentType } from 'react';

import type { Role } from '~/api/client';

/** A page: its address behind the `#`, its entry in the navigation, who may see it. */
export interface PageRoute {
    path: string;
    title: string;
    section: 'Overview' | 'Monitoring' | 'Administration' | 'System';
    icon: ComponentType;
    /** The least role; every role if there is none. */
    role?: Role;
    page: ComponentType;
}

/** All pages, in the order of the navigation. The first is home. */
export const ROUTES: PageRoute[] = [
    {
        path: '/',
        title: 'Budget health',
        section: 'Overview',
        icon: AccountBalanceWallet,
        page: lazy(() => import('~/pages/health/HealthPage')),
    },
    {
        path: '/usage-insights',
        title: 'Usage insights',
        section: 'Overview',
        icon: Insights,
        page: lazy(() => import('~/pages/insights/InsightsPage')),
    },
    {
        path: '/usage-tracking',
        title: 'Usage ledger',
        section: 'Monitoring',
        icon: ReceiptLong,
        page: lazy(() => import('~/pages/ledger/LedgerPage')),
    },
    {
        path: '/sessions',
        title: 'Sessions',
        section: 'Monitoring',
        icon: Forum,
        page: lazy(() => import('~/pages/sessions/SessionsPage')),
    },
    {
        path: '/alerts',
        title: 'Alerts',
        section: 'Monitoring',
        icon: NotificationsActive,
        page: lazy(() => import('~/pages/alerts/AlertsPage')),
    },
    {
        path: '/admin/tenants',
        title: 'Tenants',
        section: 'Administration',
        icon: Business,
        page: lazy(() => import('~/pages/tenants/TenantsPage')),
    },
    {
        path: '/admin/keys',
        title: 'API keys',
        section: 'Administration',
        icon: VpnKey,
        page: lazy(() => import('~/pages/keys/KeysPage')),
    },
    {
        path: '/admin/budgets',
        title: 'Budgets',
        section: 'Administration',
        icon: Savings,
        page: lazy(() => import('~/pages/budgets/BudgetsPage')),
    },
    {
        path: '/admin/tags',
        title: 'Tags',
        section: 'Administration',
        icon: Sell,
        page: lazy(() => import('~/pages/tags/TagsPage')),
    },
    {
        path: '/admin/users',
        title: 'Users',
        section: 'Administration',
        icon: Group,
        role: 'admin',
        page: lazy(() => import('~/pages/users/UsersPage')),
    },
    {
        path: '/admin/audit',
        title: 'Audit log',
        section: 'Administration',
        icon: History,
        role: 'admin',
        page: lazy(() => import('~/pages/audit/AuditPage')),
    },
    {
        path: '/models',
        title: 'Prices',
        section: 'Administration',
        icon: PriceChange,
        page: lazy(() => import('~/pages/prices/PricesPage')),
    },
    {
        path: '/policies',
        title: 'Policies',
        section: 'Administration',
        icon: Policy,
        page: lazy(() => import('~/pages/policies/PoliciesPage')),
    },
    {
        path: '/what-if',
        title: 'What if',
        section: 'Administration',
        icon: QueryStats,
        page: lazy(() => import('~/pages/whatif/WhatIfPage')),
    },
    {
        path: '/providers',
        title: 'Providers',
        section: 'System',
        icon: Hub,
        page: lazy(() => import('~/pages/providers/ProvidersPage')),
    },
    {
        path: '/settings',
        title: 'System status',
        section: 'System',
        icon: Settings,
        page: lazy(() => import('~/pages/status/StatusPage')),
    },
];
