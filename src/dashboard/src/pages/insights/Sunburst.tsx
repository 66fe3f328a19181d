import { useTheme } from '@mui/material';
import { SunburstChart } from 'recharts';

import type { Schemas } from '~/api/client';

import { SUNBURST_PX } from './charts';
import { ringsOf } from './rings';

/** Rings of tags from the middle outwards; the table beside it says the same in words. */
export function Sunburst({ body }: { body: Schemas['AnalyticsBody'] }) {
    const theme = useTheme();
    const { palette } = theme.vars ?? theme;
    const colors = new Map(body.usage.map((tag) => [tag.tagId, tag.color ?? palette.primary.main]));
    const data = ringsOf(body.hierarchy, (tag) => colors.get(tag) ?? palette.action.disabled);
    return (
        <SunburstChart
            data={data}
            width={SUNBURST_PX}
            height={SUNBURST_PX}
            stroke={palette.background.paper}
            label={{ dataKey: 'name', fill: palette.text.primary, stroke: 'none', fontSize: 11 }}
        />
    );
}
