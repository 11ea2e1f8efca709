@sketch
