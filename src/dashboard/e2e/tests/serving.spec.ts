import { gatewayUrl } from '../support/gateway';
import { Dashboard, expect, test } from '../support/test';

test('the pages come with a strict policy and are not kept', async ({ request }) => {
    const answer = await request.get(`${gatewayUrl()}/dashboard/`);
    const policy = answer.headers()['content-security-policy'] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1];
    expect(await answer.text()).toContain(`content="${nonce ?? 'no nonce'}"`);
});

test('nothing is asked of anybody else, and nothing is against the policy', async ({
    page,
    dashboard,
}) => {
    const others: string[] = [];
    page.on('request', (request) => {
        const { origin, protocol } = new URL(request.url());
        if (protocol.startsWith('http') && origin !== gatewayUrl()) others.push(request.url());
    });
    await page.addInitScript(() => {
        document.addEventListener('securitypolicyviolation', (event) => {
            console.error(`against the policy: ${event.violatedDirective} ${event.blockedURI}`);
        });
    });
    await dashboard.logIn();
    for (const title of ['Usage insights', 'Usage ledger', 'Sessions', 'System status']) {
        await page.getByRole('link', { name: title }).click();
        await dashboard.shows(title);
    }
    expect(others).toEqual([]);
});

test('everything works under a path behind a proxy', async ({ page, dashboard }) => {
    await dashboard.open();
    const prefixed = new Dashboard(page, process.env.E2E_PREFIXED);
    await prefixed.logIn('/usage-tracking');
    await prefixed.shows('Usage ledger');
    await page.getByRole('link', { name: 'Usage insights' }).click();
    await prefixed.shows('Usage insights');
    expect(page.url()).toContain(prefixed.url);
});

test('an address without the last slash leads to the pages', async ({ page, dashboard }) => {
    await dashboard.open();
    await page.goto(`${process.env.E2E_PREFIXED ?? ''}/dashboard`);
    await expect(page.getByRole('button', { name: 'Log in' })).toBeVisible();
});
