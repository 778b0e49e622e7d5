_providers = []


def set_tracer_provider(provider):
    _providers.append(provider)


def get_tracer_provider():
    return _providers[-1]
