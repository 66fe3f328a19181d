import { admin, call, makeCaller } from '../support/gateway';
import { expect, test } from '../support/test';

/** Longer than figures take to be asked for anew. */
const MOVED_MS = 20_000;

test('home and sessions move after a request, without a reload', async ({ page, dashboard }) => {
    const caller = await makeCaller('Alive');
    const params = { path: { id: caller.tenantId } };
    await admin().POST('/admin/tenant/{id}/budgets', {
        params,
        body: { budgets: [{ period: 'daily', amountUsd: '5' }] },
    });
    await admin().PUT('/admin/tenant/{id}/default-session-budget', {
        params,
        body: { budgetUsd: '2.5' },
    });
    await dashboard.logIn(`/?tenant=${caller.tenantId}`);
    const card = page.getByTestId('budget').filter({ hasText: 'tenant · daily' });
    await expect(card.getByRole('definition').first()).toHaveText('$0.00');
    await call(caller, { headers: { 'x-session-id': 'alive-1' } });
    await expect(card.getByRole('definition').first()).not.toHaveText('$0.00', {
        timeout: MOVED_MS,
    });
    await page.getByRole('link', { name: 'Sessions' }).click();
    const row = page.getByRole('row', { name: 'alive-1' }).first();
    await expect(row.getByRole('cell').nth(4)).toHaveText('1', { timeout: MOVED_MS });
    // What the tenant gives to every session.
    await expect(row).toContainText('$2.50');
    await call(caller, { headers: { 'x-session-id': 'alive-1' } });
    await expect(row.getByRole('cell').nth(4)).toHaveText('2', { timeout: MOVED_MS });
});

test('nothing is asked for while nobody looks', async ({ page, dashboard }) => {
    await page.clock.install();
    await dashboard.logIn('/');
    await dashboard.shows('Budget health');
    let asked = 0;
    page.on('request', (request) => {
        if (request.url().includes('/admin/budget-health')) asked += 1;
    });
    await page.clock.runFor(12_000);
    await expect.poll(() => asked).toBeGreaterThan(0);
    await page.evaluate(() => {
        Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });
        document.dispatchEvent(new Event('visibilitychange'));
        window.dispatchEvent(new Event('visibilitychange'));
    });
    await page.clock.runFor(1_000);
    const before = asked;
    await page.clock.runFor(60_000);
    expect(asked).toBe(before);
});
