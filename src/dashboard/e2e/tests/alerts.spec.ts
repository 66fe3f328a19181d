import { acmeId, admin, call, ledgerOf, makeCaller, type Caller } from '../support/gateway';
import { expect, test } from '../support/test';

/** A tenant with a budget that a request or two use up. */
async function makeSpender(name: string): Promise<Caller> {
    const caller = await makeCaller(name);
    await admin().POST('/admin/tenant/{id}/budgets', {
        params: { path: { id: caller.tenantId } },
        body: { budgets: [{ period: 'daily', amountUsd: '0.0001', alertThresholds: [10] }] },
    });
    return caller;
}

test('an alert comes by itself, with its budget and what became of its message', async ({
    page,
    dashboard,
}) => {
    const caller = await makeSpender('Spender');
    await dashboard.logInAs('viewer', `/alerts?tenant=${caller.tenantId}`);
    await expect(page.getByText('No budget has passed a threshold')).toBeVisible();
    expect(await call(caller)).toBe(200);
    await ledgerOf(caller.tenantId, 1);
    const row = page.getByRole('table', { name: 'Alerts' }).getByRole('row', { name: 'Spender' });
    await expect(row).toBeVisible({ timeout: 20_000 });
    await expect(row).toContainText('tenant, daily');
    await expect(row).toContainText('10 %');
    await expect(row).toContainText('no webhook');
    await expect(page.getByText('alerts.webhook_url is not set')).toBeVisible();
    await expect(page.getByText('Alerts are raised at 50, 75, 90, 100 %')).toBeVisible();
    await expect(page.getByRole('button', { name: 'Send a test message' })).toHaveCount(0);
});

test('home tells of an alert by itself, until it is put aside', async ({ page, dashboard }) => {
    const caller = await makeSpender('Noticed');
    await dashboard.logIn(`/?tenant=${caller.tenantId}`);
    await dashboard.shows('Budget health');
    await expect(page.getByRole('region', { name: 'Alerts' })).toHaveCount(0);
    expect(await call(caller)).toBe(200);
    const alerts = page.getByRole('region', { name: 'Alerts' });
    await expect(alerts).toContainText('Noticed: 10 % of the daily budget of $0.0001', {
        timeout: 20_000,
    });
    await alerts.getByRole('button', { name: 'Close' }).click();
    await expect(alerts).toHaveCount(0);
});

test('what the tenant in the address does not have is not even asked for', async ({
    page,
    dashboard,
}) => {
    await dashboard.logIn('/settings');
    const asked: string[] = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto('about:blank');
    await dashboard.open(`/?tenant=${acmeId()}`);
    await dashboard.shows('Budget health');
    expect(asked).toContain(`/admin/tenant/${acmeId()}/alerts`);
    expect(asked).not.toContain('/admin/alerts');
});

test.describe('with answers that refuse', () => {
    test.use({ expectedErrors: { patterns: [/status of 400/] } });

    test('a test message needs a webhook, and says whether it arrived', async ({
        page,
        dashboard,
    }) => {
        await dashboard.logInAs('operator', '/alerts');
        const status = page.getByRole('status', { name: 'Test message' });
        await page.getByRole('button', { name: 'Send a test message' }).click();
        await expect(status).toContainText('No alert webhook is configured');
        // The gateway of these tests has no webhook: what one would answer is put in its place.
        for (const [body, told] of [
            [{ delivered: true, error: null, durationMs: 12 }, 'arrived within 12 ms'],
            [{ delivered: false, error: 'HTTP 500', durationMs: 3 }, 'did not arrive: HTTP 500'],
        ] as const) {
            await page.route('**/admin/alerts/test', (route) => route.fulfill({ json: body }));
            await page.getByRole('button', { name: 'Send a test message' }).click();
            await expect(status).toContainText(told);
            await page.unroute('**/admin/alerts/test');
        }
    });
});
