import { PAGES } from '../support/pages';
import { Dashboard, expect, test } from '../support/test';

/** A gateway before a large ledger, whose admin key is that of the other tests. */
const LARGE = process.env.E2E_LARGE;
const MILLIS_MAX = 1_000;
const ROUNDS = 5;

test('pages of a large ledger come within a second', async ({ page }) => {
    test.skip(LARGE === undefined, 'no large ledger');
    // Every page, several times.
    test.setTimeout(600_000);
    const dashboard = new Dashboard(page, LARGE);
    await dashboard.logIn('/');
    const slow: string[] = [];
    for (const { path, title } of PAGES) {
        const took: number[] = [];
        for (let round = 0; round < ROUNDS; round += 1) {
            await page.goto('about:blank');
            const started = performance.now();
            await dashboard.open(path);
            await dashboard.shows(title);
            took.push(Math.round(performance.now() - started));
        }
        const median = took.sort((one, other) => one - other)[Math.floor(ROUNDS / 2)] ?? 0;
        console.log(`${title}: ${median} ms`);
        if (median >= MILLIS_MAX) slow.push(title);
    }
    expect(slow).toEqual([]);
});
