import { useTheme } from '@mui/material';
import { Bar, BarChart, CartesianGrid, Tooltip, XAxis, YAxis } from 'recharts';

import { formatUsd } from '~/format/money';

/** Bars that can be told apart; the table has all. */
const BARS_MAX = 8;
const NAME_PX = 120;

interface SpendChartProps {
    points: { name: string; usd: string }[];
    isOverTime: boolean;
}

/** Bars. The table below has the same figures, so that a screen reader needs none of this. */
export function SpendChart({ points, isOverTime }: SpendChartProps) {
    const theme = useTheme();
    const { palette } = theme.vars ?? theme;
    const shown = isOverTime ? points : points.slice(0, BARS_MAX);
    const data = shown.map(({ name, usd }) => ({ name, usd: Number(usd) }));
    const text = { fill: palette.text.secondary, fontSize: 12 };
    const money = (value: unknown) => formatUsd(Number(value));
    return (
        <BarChart
            responsive
            width="100%"
            height="100%"
            data={data}
            layout={isOverTime ? 'horizontal' : 'vertical'}
            accessibilityLayer={false}
        >
            <CartesianGrid strokeDasharray="2 4" stroke={palette.divider} />
            {isOverTime ? (
                <>
                    <XAxis dataKey="name" tick={text} minTickGap={24} />
                    <YAxis tick={text} tickFormatter={money} width={72} />
                </>
            ) : (
                <>
                    <XAxis type="number" tick={text} tickFormatter={money} minTickGap={24} />
                    <YAxis type="category" dataKey="name" tick={text} width={NAME_PX} />
                </>
            )}
            <Tooltip
                formatter={(value) => [money(value), 'Cost']}
                cursor={{ fill: palette.action.hover }}
                contentStyle={{
                    backgroundColor: palette.background.paper,
                    borderColor: palette.divider,
                    color: palette.text.primary,
                }}
            />
            <Bar
                dataKey="usd"
                fill={palette.primary.main}
                isAnimationActive={false}
                maxBarSize={28}
            />
        </BarChart>
    );
}
