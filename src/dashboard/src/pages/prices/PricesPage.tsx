import { Button, Chip, Link, Stack, TableCell, TableRow } from '@mui/material';
import { useState } from 'react';

import { api, SLOW_INTERVAL_MS } from '~/api/client';
import { FilterChoice } from '~/components/FilterChoice';
import { FilterText } from '~/components/FilterText';
import { Instant } from '~/components/Instant';
import { Page } from '~/components/Page';
import { ListTable } from '~/components/ListTable';
import { Empty, Loaded } from '~/components/States';
import { Turner } from '~/components/Turner';
import { formatExactUsd } from '~/format/money';
import { useMay } from '~/session/session';
import { pageOf } from '~/shell/page';
import { useParams } from '~/shell/place';

import { HistoryDrawer } from './HistoryDrawer';
import { providerOf, type Price } from './price';
import { PriceDialog } from './PriceDialog';
import { RetireDialog } from './RetireDialog';

const PAGE_ROWS = 25;
const HEIGHT_PX = 640;

const PROVIDER_OPTIONS = {
    all: 'All providers',
    openai: 'OpenAI',
    anthropic: 'Anthropic',
    google: 'Google',
};
const STATE_OPTIONS = {
    current: 'In force now',
    scheduled: 'Begins later',
    retired: 'Retired',
};

const HEADS = [
    'Model',
    'Provider',
    'Version',
    { right: 'Input per million' },
    { right: 'Cached per million' },
    { right: 'Output per million' },
    'In force from',
    '',
];

/** What is to be done with a price. */
type Doing = { kind: 'add' } | { kind: 'change' | 'retire'; price: Price };

/** What models cost. */
export default function PricesPage() {
    const mayChange = useMay('admin');
    const [params, setParams] = useParams();
    const [doing, setDoing] = useState<Doing | null>(null);
    const page = pageOf(params);
    const state = params.get('state');
    const filter = {
        search: params.get('search') ?? undefined,
        provider: providerOf(params.get('provider')),
        scheduled: state === 'scheduled' ? ('true' as const) : undefined,
        retired:
            state === 'retired'
                ? ('true' as const)
                : state === null
                  ? ('false' as const)
                  : undefined,
    };
    const ask = (at: number) => ({
        params: { query: { ...filter, page: at, limit: PAGE_ROWS } },
    });
    const options = {
        refetchInterval: SLOW_INTERVAL_MS,
        placeholderData: (before: Price[] | undefined) => before,
    };
    const prices = api.useQuery('get', '/admin/model-pricing', ask(page), options);
    const isFull = prices.data?.length === PAGE_ROWS;
    const next = api.useQuery('get', '/admin/model-pricing', ask(page + 1), { enabled: isFull });
    const model = params.get('model');
    const close = () => {
        setDoing(null);
    };
    return (
        <Page
            title="Prices"
            about="Dollars per million units. A change is a new version: none is ever written over."
            actions={
                <>
                    <FilterText name="search" label="Part of the model’s name" />
                    <FilterChoice name="provider" label="Provider" options={PROVIDER_OPTIONS} />
                    <FilterChoice name="state" label="Show" options={STATE_OPTIONS} />
                    {mayChange && (
                        <Button
                            variant="contained"
                            onClick={() => {
                                setDoing({ kind: 'add' });
                            }}
                        >
                            Add a model
                        </Button>
                    )}
                </>
            }
        >
            <Loaded
                query={prices}
                height={HEIGHT_PX}
                isEmpty={(rows) => rows.length === 0 && page === 0}
                empty={
                    <Empty title="There is no such price" height={HEIGHT_PX}>
                        Models without a price are refused where a budget applies.
                    </Empty>
                }
            >
                {(rows) => (
                    <>
                        <ListTable label="Prices" heads={HEADS}>
                            {rows.map((price) => (
                                <PriceRow
                                    key={price.id}
                                    price={price}
                                    onShow={() => {
                                        setParams(
                                            { model: price.model, of: price.provider },
                                            { push: true },
                                        );
                                    }}
                                    onDo={mayChange ? setDoing : undefined}
                                />
                            ))}
                        </ListTable>
                        <Turner
                            page={page}
                            hasNext={isFull && next.data !== undefined && next.data.length > 0}
                            onPage={(to) => {
                                setParams({ page: String(to) }, { push: true });
                            }}
                        />
                    </>
                )}
            </Loaded>
            {model !== null && (
                <HistoryDrawer
                    model={model}
                    provider={providerOf(params.get('of'))}
                    onClose={() => {
                        setParams({ model: null, of: null });
                    }}
                />
            )}
            {doing?.kind === 'add' && <PriceDialog onClose={close} />}
            {doing?.kind === 'change' && <PriceDialog price={doing.price} onClose={close} />}
            {doing?.kind === 'retire' && <RetireDialog price={doing.price} onClose={close} />}
        </Page>
    );
}

interface PriceRowProps {
    price: Price;
    onShow: () => void;
    /** Missing where nothing may be done. */
    onDo: ((doing: Doing) => void) | undefined;
}

function PriceRow({ price, onShow, onDo }: PriceRowProps) {
    return (
        <TableRow hover>
            <TableCell component="th" scope="row">
                <Link
                    component="button"
                    onClick={onShow}
                    aria-label={`Versions of ${price.model}`}
                    sx={{ textAlign: 'left', overflowWrap: 'anywhere' }}
                >
                    {price.model}
                </Link>
            </TableCell>
            <TableCell>{price.provider}</TableCell>
            <TableCell>
                {price.versionTag}
                {price.isRetired && <Chip size="small" label="retired" sx={{ ml: 1 }} />}
            </TableCell>
            <TableCell align="right">{formatExactUsd(price.inputPrice)}</TableCell>
            <TableCell align="right">{formatExactUsd(price.cachedInputPrice)}</TableCell>
            <TableCell align="right">{formatExactUsd(price.outputPrice)}</TableCell>
            <TableCell>
                <Instant at={price.effectiveFrom} />
            </TableCell>
            <TableCell padding="none">
                {onDo && (
                    <Stack direction="row" sx={{ justifyContent: 'end' }}>
                        <Button
                            size="small"
                            aria-label={`Change ${price.model}`}
                            onClick={() => {
                                onDo({ kind: 'change', price });
                            }}
                        >
                            Change
                        </Button>
                        {!price.isRetired && (
                            <Button
                                size="small"
                                color="error"
                                aria-label={`Retire ${price.model}`}
                                onClick={() => {
                                    onDo({ kind: 'retire', price });
                                }}
                            >
                                Retire
                            </Button>
                        )}
                    </Stack>
                )}
            </TableCell>
        </TableRow>
    );
}
