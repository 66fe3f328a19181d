import { Page } from '~/components/Page';

export default function HealthPage() {
    return <Page title="Budget health">{null}</Page>;
}
