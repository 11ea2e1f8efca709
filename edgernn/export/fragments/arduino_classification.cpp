    Serial.println(@{name}_outputs[@{name}_argmax(y)]);
