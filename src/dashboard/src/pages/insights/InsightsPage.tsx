import { Page } from '~/components/Page';

export default function InsightsPage() {
    return <Page title="Usage insights">{null}</Page>;
}
