import Download from '@mui/icons-material/Download';
import { Box, Button, Menu, MenuItem, Paper } from '@mui/material';
import { DataGrid, type GridColDef, type GridRowParams } from '@mui/x-data-grid';
import { useState } from 'react';

import { api, apiUrl, LIVE_INTERVAL_MS, type Schemas } from '~/api/client';
import { Page } from '~/components/Page';
import { RangeSelect } from '~/components/RangeSelect';
import { Failed } from '~/components/States';
import { StatusChip } from '~/components/StatusChip';
import { TenantSelect } from '~/components/TenantSelect';
import { formatInstant, VIEWER_ZONE } from '~/format/dates';
import { formatExactUsd } from '~/format/money';
import { formatCount } from '~/format/numbers';
import { NONCE } from '~/shell/nonce';
import { useChosenTenant, useParams, useRange } from '~/shell/place';

import { PAGE_ROWS, viewOf, type LedgerView } from './filters';
import { LedgerFilters } from './LedgerFilters';
import { RowDrawer } from './RowDrawer';

type Row = Schemas['PageBody_RowBody']['data'][number];

/** Rows that a first page shows, so that the grid keeps its height while they come. */
const GRID_PX = 640;

const COLUMNS: GridColDef<Row>[] = [
    {
        field: 'at',
        headerName: 'Time',
        width: 210,
        valueGetter: (_value, row) => row.ts,
        renderCell: ({ row }) => <time dateTime={row.ts}>{formatInstant(row.ts)}</time>,
    },
    { field: 'tenant', headerName: 'Tenant', width: 140, sortable: false },
    { field: 'provider', headerName: 'Provider', width: 100, sortable: false },
    { field: 'model', headerName: 'Model', width: 180, sortable: false },
    { field: 'route', headerName: 'Route', width: 190, sortable: false },
    {
        field: 'status',
        headerName: 'Status',
        width: 120,
        sortable: false,
        renderCell: ({ row }) => <StatusChip status={row.status} />,
    },
    {
        field: 'promptTok',
        headerName: 'Input tokens',
        type: 'number',
        width: 110,
        sortable: false,
        valueFormatter: (value: number) => formatCount(value),
    },
    {
        field: 'compTok',
        headerName: 'Output tokens',
        type: 'number',
        width: 115,
        sortable: false,
        valueFormatter: (value: number) => formatCount(value),
    },
    {
        field: 'cost',
        headerName: 'Cost',
        width: 120,
        align: 'right',
        headerAlign: 'right',
        valueGetter: (_value, row) => row.usd,
        valueFormatter: (value: string) => formatExactUsd(value),
    },
    {
        field: 'tags',
        headerName: 'Tags',
        width: 180,
        sortable: false,
        valueGetter: (_value, row) => row.tags.map((tag) => tag.path ?? tag.id).join(', '),
    },
    {
        field: 'sessionId',
        headerName: 'Session',
        width: 160,
        sortable: false,
        valueFormatter: (value: string | null) => value ?? '–',
    },
];

/** Every request there was; filters, order and pages are the server's. */
export default function LedgerPage() {
    const tenant = useChosenTenant();
    const range = useRange();
    const [params, setParams] = useParams();
    const view = viewOf(params);
    const filter = { tenantId: tenant?.id, ...range.query, ...view.filters };
    const { sort, order, page, limit } = view;
    const ledger = api.useQuery(
        'get',
        '/admin/usage/ledger',
        { params: { query: { ...filter, sort, order, page, limit } } },
        { refetchInterval: LIVE_INTERVAL_MS, placeholderData: (before) => before },
    );
    const open = params.get('request');
    return (
        <Page
            title="Usage ledger"
            about={`Every request and what it cost. Times in ${VIEWER_ZONE}.`}
            actions={
                <>
                    <RangeSelect range={range} />
                    <TenantSelect withAll />
                    <Export filter={filter} />
                </>
            }
        >
            <LedgerFilters view={view} />
            {ledger.error !== null && (
                <Failed error={ledger.error} onRetry={() => void ledger.refetch()} height={0} />
            )}
            <Paper sx={{ height: GRID_PX, minWidth: 0 }}>
                <DataGrid
                    aria-label="Requests"
                    nonce={NONCE}
                    rows={ledger.data?.data ?? []}
                    columns={COLUMNS}
                    loading={ledger.isPending || ledger.isPlaceholderData}
                    density="compact"
                    disableColumnFilter
                    disableColumnMenu
                    disableRowSelectionOnClick
                    paginationMode="server"
                    sortingMode="server"
                    sortingOrder={['desc', 'asc']}
                    sortModel={[{ field: sort, sort: order }]}
                    onSortModelChange={([next]) => {
                        const isDefault = !next || (next.field === 'at' && next.sort === 'desc');
                        setParams({
                            sort: isDefault ? null : next.field,
                            order: isDefault ? null : (next.sort ?? null),
                            page: null,
                        });
                    }}
                    rowCount={ledger.data?.total ?? 0}
                    pageSizeOptions={PAGE_ROWS}
                    paginationModel={{ page, pageSize: limit }}
                    onPaginationModelChange={(next) => {
                        const isSame = next.page === page && next.pageSize === limit;
                        if (isSame) return;
                        setParams(
                            { page: String(next.page), rows: String(next.pageSize) },
                            { push: true },
                        );
                    }}
                    onRowClick={({ row }: GridRowParams<Row>) => {
                        setParams({ request: row.id }, { push: true });
                    }}
                    onCellKeyDown={({ row }, event) => {
                        if (event.key === 'Enter')
                            setParams({ request: (row as Row).id }, { push: true });
                    }}
                    localeText={{ noRowsLabel: 'No request is like this' }}
                    sx={{
                        border: 0,
                        '& .MuiDataGrid-row': { cursor: 'pointer' },
                        // The empty space below the rows, which moves as they come.
                        '& .MuiDataGrid-filler': { visibility: 'hidden' },
                    }}
                />
            </Paper>
            {ledger.data && !ledger.data.isTotalExact && (
                <Box component="p" sx={{ m: 0 }}>
                    There are at least {formatCount(ledger.data.total)} rows: more than are counted.
                </Box>
            )}
            {open !== null && (
                <RowDrawer
                    requestId={open}
                    onClose={() => {
                        setParams({ request: null });
                    }}
                />
            )}
        </Page>
    );
}

/** Everything that the filters let through as a file, by the server: not only what is shown. */
function Export({ filter }: { filter: LedgerView['filters'] & Record<string, unknown> }) {
    const [anchor, setAnchor] = useState<HTMLElement | null>(null);
    const hrefOf = (format: string) => {
        const query = new URLSearchParams({ format });
        for (const [name, value] of Object.entries(filter)) {
            if (typeof value === 'string' || typeof value === 'number')
                query.set(name, String(value));
        }
        return apiUrl(`/admin/usage/ledger/export?${query.toString()}`);
    };
    const close = () => {
        setAnchor(null);
    };
    return (
        <>
            <Button
                variant="outlined"
                startIcon={<Download />}
                aria-haspopup="menu"
                onClick={(event) => {
                    setAnchor(event.currentTarget);
                }}
                sx={{ height: 40 }}
            >
                Export
            </Button>
            <Menu anchorEl={anchor} open={anchor !== null} onClose={close}>
                {['csv', 'jsonl'].map((format) => (
                    <MenuItem
                        key={format}
                        component="a"
                        href={hrefOf(format)}
                        download={`usage-ledger.${format}`}
                        onClick={close}
                    >
                        All of these as {format === 'csv' ? 'CSV' : 'JSON lines'}
                    </MenuItem>
                ))}
            </Menu>
        </>
    );
}
