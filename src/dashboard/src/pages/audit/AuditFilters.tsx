import { Button, MenuItem, Stack, TextField } from '@mui/material';

import { api } from '~/api/client';
import { TextFilter } from '~/components/TextFilter';
import { useParams } from '~/shell/place';

import { ACTORS, FILTERS, isActor } from './filters';

const NOBODY: Record<string, null> = { actor: null, actorId: null, page: null };

/** What is left out, kept in the address. */
export function AuditFilters() {
    const [params, setParams] = useParams();
    const users = api.useQuery('get', '/admin/users');
    const actor = params.get('actor');
    const actorId = params.get('actorId');
    const known = (users.data ?? []).find(({ id }) => String(id) === actorId);
    const who = known ? `user ${known.id}` : isActor(actor) ? actor : 'anybody';
    const text = (name: string) => params.get(name) ?? '';
    const filter = (name: string, label: string, placeholder: string, disabled = false) => (
        <TextFilter
            key={`${name} ${text(name)}`}
            label={label}
            placeholder={placeholder}
            disabled={disabled}
            value={text(name)}
            onChange={(value) => {
                setParams({ [name]: value, page: null });
            }}
        />
    );
    return (
        <Stack
            component="section"
            aria-label="Filters"
            direction="row"
            useFlexGap
            spacing={1}
            sx={{ flexWrap: 'wrap' }}
        >
            <TextField
                select
                label="Who"
                value={who}
                onChange={(event) => {
                    const asked = event.target.value;
                    if (asked.startsWith('user ')) {
                        setParams({ ...NOBODY, actorId: asked.slice('user '.length) });
                    } else {
                        setParams({ ...NOBODY, actor: asked === 'anybody' ? null : asked });
                    }
                }}
                sx={{ minWidth: 160 }}
            >
                <MenuItem value="anybody">Anybody</MenuItem>
                {Object.entries(ACTORS).map(([kind, title]) => (
                    <MenuItem key={kind} value={kind}>
                        {title}
                    </MenuItem>
                ))}
                {(users.data ?? []).map(({ id, name }) => (
                    <MenuItem key={id} value={`user ${id}`}>
                        {name}
                    </MenuItem>
                ))}
            </TextField>
            {filter('action', 'Action', 'tenant.update')}
            {filter('target', 'Kind of thing', 'tenant')}
            {filter('targetId', 'Its number', '', text('target') === '')}
            <Button
                disabled={!FILTERS.some((name) => params.has(name))}
                onClick={() => {
                    setParams(Object.fromEntries([...FILTERS, 'page'].map((it) => [it, null])));
                }}
            >
                Clear filters
            </Button>
        </Stack>
    );
}
