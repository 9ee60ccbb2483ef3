"""A service that records every canonical metric again and again, within spans, until its input ends."""

SERVICE = """
    import json, select, sys
    import otel_trading as ot
    from otel_trading.catalogue.reading import ours

    metrics = [metric for metric in ours().metrics if metric.area != "telemetry"]
    examples = {"trading.venue": "binance", "trading.symbol": "BTCUSDT", "trading.strategy": "momentum"}

    def made(metric):
        kind = {"updowncounter": "up_down_counter"}.get(metric.instrument, metric.instrument)
        instrument = getattr(meter, f"create_{kind}")(metric.name, unit=metric.unit)
        record = getattr(instrument, {"histogram": "record", "gauge": "set"}.get(metric.instrument, "add"))
        return record, {use.attribute.key: value(use.attribute) for use in metric.uses}

    def value(attribute):
        known = attribute.members[0].value if attribute.members else "one"
        return examples.get(attribute.key, known)

    meter, tracer = ot.meter(), ot.tracer()
    with ot.init("strategy", traces_exporter="none", logs_exporter="none", metrics_exporter="prometheus",
                 prometheus_port=0, stdout="off", own_metrics=True, tick_ratio=1.0) as telemetry:
        records = [made(metric) for metric in metrics]
        print(json.dumps(telemetry.metrics_url), flush=True)
        while not select.select([sys.stdin], [], [], 0.3)[0]:
            with tracer.start_as_current_span("order.submit binance"):
                for record, attributes in records:
                    record(0.002, attributes)
"""
