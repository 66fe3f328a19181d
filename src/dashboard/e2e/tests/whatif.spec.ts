import { admin, call, given, ledgerOf, makeCaller } from '../support/gateway';
import { expect, test } from '../support/test';

test('a limit is moved: so many recorded requests would have been refused', async ({
    page,
    dashboard,
}) => {
    const caller = await makeCaller('Supposed');
    for (let index = 0; index < 3; index += 1) expect(await call(caller)).toBe(200);
    const rows = await ledgerOf(caller.tenantId, 3);
    await dashboard.logInAs('viewer', `/what-if?tenant=${caller.tenantId}&range=7d`);
    await dashboard.shows('What if');
    const change = page.getByRole('group', { name: 'Change 1' });
    // What the dearest cost leaves room for one of them, and not for three.
    const costs = rows.map(({ usd }) => usd).sort();
    await change.getByLabel('Limit').fill(given(costs.at(-1)));
    await page.getByRole('button', { name: 'Replay' }).click();
    const answer = page.getByRole('region', { name: 'Answer' });
    await expect(answer.getByRole('status')).toContainText('2 of 3 requests');
    const reasons = answer.getByRole('table', { name: 'Why they would have been refused' });
    await expect(reasons.getByRole('row', { name: 'budget exceeded' })).toContainText('2');
    const budgets = answer.getByRole('table', { name: 'Budgets, with the changes' });
    await expect(budgets.getByRole('row', { name: 'tenant Supposed, daily' })).toBeVisible();
    const refused = answer.getByRole('table', { name: 'Requests that would have been refused' });
    await expect(refused.getByRole('row')).toHaveCount(3);
    await dashboard.isAccessible();
    const kept = await admin().GET('/admin/tenant/{id}/budgets', {
        params: { path: { id: caller.tenantId } },
    });
    expect(JSON.stringify(kept.data)).not.toContain(given(costs.at(-1)));
});

test.describe('with answers that refuse', () => {
    test.use({ expectedErrors: { patterns: [/status of 400/] } });

    test('what the server refuses stands with the field of that change', async ({
        page,
        dashboard,
    }) => {
        const caller = await makeCaller('Refused');
        await dashboard.logInAs('viewer', `/what-if?tenant=${caller.tenantId}`);
        await dashboard.shows('What if');
        await page.getByRole('group', { name: 'Change 1' }).getByLabel('Limit').fill('1');
        await page.getByRole('button', { name: 'Another change' }).click();
        const second = page.getByRole('group', { name: 'Change 2' });
        await second.getByLabel('Limit').fill('99999999999999999999');
        await page.getByRole('button', { name: 'Replay' }).click();
        await expect(second.getByLabel('Limit')).toHaveAccessibleDescription(
            /changes\/setBudgets\/1\/amountUsd/,
        );
        await expect(second.getByLabel('Limit')).toBeFocused();
        await page.getByRole('button', { name: 'Remove: Change 2' }).click();
        await page.getByRole('button', { name: 'Replay' }).click();
        await expect(page.getByRole('region', { name: 'Answer' })).toContainText('0 of 0 requests');
    });
});
